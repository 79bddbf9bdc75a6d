//! Real processes of the `kopeck` binary, killed with this value at the latest.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

/// A folder that disappears with this value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("kopeck-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A server process. Killed without mercy by [`Process::kill`] or when dropped.
pub struct Process(Child);

impl Process {
    pub fn kill(&mut self) {
        self.0.kill().expect("it was running");
        self.0.wait().expect("it ended");
    }

    /// Whether it runs still.
    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs `kopeck` in one folder with one environment.
#[derive(Clone)]
pub struct Kopeck {
    pub folder: PathBuf,
    pub env: Vec<(String, String)>,
}

impl Kopeck {
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kopeck"));
        // What the developer's own shell holds must not reach the test.
        for (name, _) in std::env::vars() {
            if ["KOPECK_", "TOCHKA_", "TBANK_"].iter().any(|own| name.starts_with(own)) {
                command.env_remove(name);
            }
        }
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("kopeck runs")
    }

    /// Runs a command that must succeed and print JSON.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "kopeck {args:?}\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("kopeck {args:?}: {e}\n{out}"))
    }

    /// Starts a server; its output goes to a file of this name in the folder.
    pub fn start(&self, args: &[&str], log: &str) -> Process {
        let path = self.folder.join(log);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("log");
        let mut command = self.command(args);
        command.stdout(file.try_clone().expect("log")).stderr(file);
        Process(command.spawn().expect("kopeck starts"))
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn log_of(folder: &Path, log: &str) -> String {
    std::fs::read_to_string(folder.join(log)).unwrap_or_default()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

/// Waits until the address answers at all.
pub async fn until_up(http: &reqwest::Client, url: &str) {
    for _ in 0..200 {
        if http.get(url).send().await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{url} does not come up");
}
