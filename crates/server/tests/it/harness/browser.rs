//! Headless Chromium, driven over the WebDriver protocol: a payer who really clicks.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

/// A browser window; it closes with this value.
pub struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
}

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Pages here come from this machine; what takes longer will not come.
const WAIT: Duration = Duration::from_secs(20);

/// What the payer holds or sits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A window as narrow as a phone, with a mouse.
    Narrow,
    Desktop,
    /// A phone: a finger, a phone's name for itself, a phone's pixels.
    Phone,
    /// A browser that runs no scripts.
    Scriptless,
}

const PHONE: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like \
    Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";

impl Screen {
    fn options(self, mut arguments: Vec<&'static str>) -> Value {
        arguments.push(match self {
            Screen::Narrow | Screen::Phone => "--window-size=420,900",
            Screen::Desktop | Screen::Scriptless => "--window-size=1280,900",
        });
        let mut options = json!({
            "args": arguments,
            "prefs": {"intl.accept_languages": "ru,ru-RU"},
        });
        if self == Screen::Scriptless {
            let off = "profile.managed_default_content_settings.javascript";
            options["prefs"][off] = json!(2);
        }
        if self == Screen::Phone {
            options["mobileEmulation"] = json!({
                "deviceMetrics": {
                    "width": 390, "height": 844, "pixelRatio": 2.0, "touch": true, "mobile": true,
                },
                "userAgent": PHONE,
            });
        }
        options
    }
}

impl Browser {
    /// Starts chromedriver on a free port and opens a phone-sized window.
    pub async fn start() -> Browser {
        Browser::start_as(Screen::Narrow).await
    }

    pub async fn start_as(screen: Screen) -> Browser {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("this test needs chromedriver: apt-get install chromium chromium-driver");
        let lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let rest = line.split("started successfully on port ").nth(1)?;
                Some(rest.trim_end_matches('.').to_owned())
            })
            .expect("chromedriver says its port");
        let http = reqwest::Client::builder().no_proxy().build().expect("client");
        let arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--lang=ru",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": screen.options(arguments),
        }}});
        let base = format!("http://127.0.0.1:{port}");
        let mut browser = Browser { driver, http, session: base.clone() };
        let made = browser.call("POST", "/session", wanted).await;
        let id = made["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{base}/session/{id}");
        browser
    }

    async fn try_call(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let request = match method {
            "GET" => self.http.get(url),
            _ => {
                let body = body.to_string();
                self.http.post(url).header("content-type", "application/json").body(body)
            }
        };
        let reply = request.send().await.map_err(|e| e.to_string())?;
        let is_good = reply.status().is_success();
        let text = reply.text().await.map_err(|e| e.to_string())?;
        let mut value: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
        if is_good { Ok(value["value"].take()) } else { Err(text) }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_call(method, path, body).await.expect("the browser obeys")
    }

    pub async fn open(&self, url: &str) {
        self.call("POST", "/url", json!({ "url": url })).await;
    }

    /// From here on within the page's first frame.
    pub async fn enter_frame(&self) {
        self.call("POST", "/frame", json!({ "id": 0 })).await;
    }

    /// Back in the page itself.
    pub async fn leave_frame(&self) {
        self.call("POST", "/frame", json!({ "id": null })).await;
    }

    pub async fn url(&self) -> String {
        self.call("GET", "/url", Value::Null).await.as_str().expect("text").to_owned()
    }

    /// The text that a person sees.
    pub async fn text(&self) -> String {
        let script = json!({"script": "return document.body.innerText", "args": []});
        let text = self.try_call("POST", "/execute/sync", script).await;
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    async fn find(&self, css: &str) -> String {
        let wanted = json!({"using": "css selector", "value": css});
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            match self.try_call("POST", "/element", wanted.clone()).await {
                Ok(found) => return found[ELEMENT].as_str().expect("an element").to_owned(),
                Err(error) if tokio::time::Instant::now() > deadline => {
                    panic!("no {css} at {}: {error}\n{}", self.url().await, self.text().await)
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.call("POST", &format!("/element/{element}/click"), json!({})).await;
    }

    /// Replaces what stands in a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        self.call("POST", &format!("/element/{element}/clear"), json!({})).await;
        self.call("POST", &format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Waits until the browser is there: opened before, another page would take the place of a form
    /// that is still on its way.
    pub async fn arrive(&self, at: &str) {
        let deadline = tokio::time::Instant::now() + WAIT;
        while !self.url().await.starts_with(at) {
            let text = self.text().await;
            assert!(tokio::time::Instant::now() < deadline, "not at {at}:\n{text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the page shows the text.
    pub async fn see(&self, wanted: &str) {
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            let text = self.text().await;
            if text.contains(wanted) {
                return;
            }
            let url = self.url().await;
            assert!(tokio::time::Instant::now() < deadline, "no «{wanted}» at {url}:\n{text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Goes on to the next thing by the keyboard: what it is, and whether it is seen to be there.
    pub async fn tab(&self) -> (String, bool) {
        let key = |kind: &str| json!({ "type": kind, "value": "\u{e004}" });
        let actions = json!([{
            "type": "key", "id": "keys", "actions": [key("keyDown"), key("keyUp")],
        }]);
        self.call("POST", "/actions", json!({ "actions": actions })).await;
        let script = "const it = document.activeElement, style = getComputedStyle(it); \
                      return [it.tagName + ' ' + (it.textContent || it.name).trim(), \
                      style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2]";
        serde_json::from_str(&self.ask(script).await).expect("a thing")
    }

    /// As somebody who likes it dark, or does not.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        let command = json!({
            "cmd": "Emulation.setEmulatedMedia", "params": { "features": features },
        });
        self.call("POST", "/goog/cdp/execute", command).await;
    }

    /// What a script returns, as text.
    pub async fn ask(&self, script: &str) -> String {
        let body = json!({ "script": script, "args": [] });
        self.call("POST", "/execute/sync", body).await.to_string()
    }

    /// What a machine can see wrong with the page for people who do not see, hear or move well: WCAG
    /// 2.2, A and AA, by axe-core. `None` where it is not installed.
    pub async fn audit(&self) -> Option<Vec<String>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/axe");
        let path = format!("{folder}/node_modules/axe-core/axe.min.js");
        let Ok(axe) = std::fs::read_to_string(path) else {
            let hint = format!("axe-core is not installed: npm ci --prefix {folder}");
            assert!(std::env::var_os("CI").is_none(), "{hint}");
            eprintln!("NOT AUDITED: {hint}");
            return None;
        };
        self.call("POST", "/execute/sync", json!({ "script": axe, "args": [] })).await;
        let script = "const done = arguments[arguments.length - 1]; \
                      axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', \
                      'wcag22aa', 'best-practice']}) \
                      .then(found => done(found.violations.map(it => it.id + ': ' + it.help + ': ' \
                      + it.nodes.map(node => node.target.join(' ') + ' ' + node.failureSummary) \
                      .join('; '))), error => done(['axe broke: ' + error]))";
        let body = json!({ "script": script, "args": [] });
        let found = self.call("POST", "/execute/async", body).await;
        let found = found.as_array().expect("a list").iter();
        Some(found.map(|it| it.as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Looks at the page by day and by night, keeps a picture of each, and finds nothing wrong.
    pub async fn approve(&self, name: &str) {
        for scheme in ["light", "dark"] {
            self.prefer(scheme).await;
            self.screenshot(&format!("{name}-{scheme}")).await;
            let found = self.audit().await.unwrap_or_default();
            assert!(found.is_empty(), "{name}, {scheme}: {found:#?}");
        }
        assert!(self.fits().await, "{name} is wider than its screen");
    }

    /// A picture for people, kept in the temporary folder under this name.
    pub async fn screenshot(&self, name: &str) -> Vec<u8> {
        use base64::Engine as _;
        let picture = self.call("GET", "/screenshot", Value::Null).await;
        let picture = picture.as_str().expect("base64");
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture).expect("base64");
        let folder = std::env::temp_dir().join("kopeck-screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), &bytes).expect("a picture");
        bytes
    }

    /// Whether a person sees it.
    pub async fn shows(&self, css: &str) -> bool {
        let css = serde_json::to_string(css).expect("JSON");
        let script = format!(
            "const it = document.querySelector({css}); \
             return !!it && it.checkVisibility() && it.getBoundingClientRect().height > 0"
        );
        self.ask(&script).await == "true"
    }

    /// Whether the page is as wide as its screen, with nothing to be scrolled to sideways.
    pub async fn fits(&self) -> bool {
        let width = "return document.documentElement.scrollWidth <= window.innerWidth";
        self.ask(width).await == "true"
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The group: chromedriver that is killed leaves its browsers behind.
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.driver.wait();
    }
}
