//! A home folder to run in, and a sandbox beside it. What is started is ended by its id.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const KOPECK: &str = env!("CARGO_BIN_EXE_kopeck");
/// A busy machine takes its time.
const START: Duration = Duration::from_secs(30);

/// A folder of its own, gone at the end.
pub struct Home(PathBuf);

impl Home {
    pub fn new() -> Home {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("kopeck-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Home(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command left behind.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn new(output: &Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{e}:\n{}\n{}\nexit {}", self.out, self.err, self.code))
    }

    /// Its error, as JSON: with --json nothing else stands on standard error.
    #[track_caller]
    pub fn fail(&self) -> Value {
        serde_json::from_str(&self.err)
            .unwrap_or_else(|e| panic!("{e}:\n{}\n{}", self.err, self.out))
    }
}

/// A command in this home, without anything of the machine's own environment.
pub fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = Command::new(KOPECK);
    command.args(args).current_dir(&home.0).env_clear().stdin(Stdio::null());
    command
}

pub fn run_in(home: &Home, args: &[&str]) -> Ran {
    Ran::new(&command(home, args).output().expect("kopeck runs"))
}

/// A process that ends with its value.
pub struct Kid(pub Child);

impl Drop for Kid {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Waits until somebody listens there.
#[track_caller]
pub fn wait_for_port(port: u16) {
    let deadline = Instant::now() + START;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on {port}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A merchant's home with the bank's emulator beside it.
pub struct Shop {
    pub home: Home,
    pub at: String,
    pub env: Vec<(String, String)>,
    pub port: u16,
    /// None beside another shop's.
    _sandbox: Option<Kid>,
}

impl Shop {
    /// Another home of the same company, at the same bank.
    pub fn beside(other: &Shop) -> Shop {
        let (home, port) = (Home::new(), free_port());
        Shop { home, at: other.at.clone(), env: other.env.clone(), port, _sandbox: None }
    }

    pub fn new() -> Shop {
        let (home, port) = (Home::new(), free_port());
        let listen = format!("127.0.0.1:{port}");
        let mut sandbox = command(&home, &["sandbox", "--listen", &listen]);
        let sandbox = sandbox.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let sandbox = Kid(sandbox.expect("the sandbox starts"));
        wait_for_port(port);
        let at = format!("http://{listen}");
        let env = run_in(&home, &["sandbox", "env", "--at", &at, "--json"]).json();
        let env = env.as_object().expect("variables").iter();
        let env = env.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()));
        Shop { home, at, env: env.collect(), port: free_port(), _sandbox: Some(sandbox) }
    }

    /// Changes one of the variables that commands run with.
    pub fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.env.push((name.to_owned(), value.to_owned()));
        }
    }

    pub fn var(&self, name: &str) -> &str {
        self.env.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.home, args);
        command
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KOPECK_SANDBOX_URL", &self.at)
            .env("KOPECK_SERVER_LISTEN", format!("127.0.0.1:{}", self.port));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::new(&self.command(args).output().expect("kopeck runs"))
    }

    /// Runs it with `--json` and expects success.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = self.run(&args);
        assert_eq!(ran.code, 0, "{args:?}: {}\n{}", ran.out, ran.err);
        ran.json()
    }

    /// Runs it with `--json` and expects this error code; returns the error.
    #[track_caller]
    pub fn fails(&self, args: &[&str], code: &str) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = self.run(&args);
        assert_ne!(ran.code, 0, "{args:?} succeeded: {}", ran.out);
        let fail = ran.fail();
        assert_eq!(fail["code"], code, "{args:?}: {fail}");
        assert!(fail["message"].as_str().is_some_and(|text| !text.is_empty()), "{fail}");
        fail
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }
}
