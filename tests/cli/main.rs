//! The real binary, as a shell and a script meet it: files, exit codes, messages.

#![expect(clippy::unwrap_used, reason = "a test that cannot run the binary must stop")]

mod configuration;
mod connections;
mod exchange;
mod oauth;
mod pauses;
mod runs;
mod trial;
mod undo;
mod usage;
mod versions;
mod workspace;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// One home directory, thrown away after the test.
struct Home(tempfile::TempDir);

#[derive(Debug)]
struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Answer {
    /// The one object on stdout.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{e}: stdout is {:?}, stderr {:?}", self.out, self.err))
    }
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, args: &str) -> Answer {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &str, stdin: &str) -> Answer {
        self.run_in(args, stdin, &[])
    }

    fn run_in(&self, args: &str, stdin: &str, env: &[(&str, &str)]) -> Answer {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg("--home")
            .arg(self.path())
            .args(args.split_whitespace())
            .env_remove("LOCKSTEP_WORKSPACE")
            .env_remove("LOCKSTEP_KEY_FILE")
            .envs(env.iter().copied())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses at once does not read what it is given.
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        answer(child.wait_with_output().unwrap())
    }

    fn key_file(&self) -> std::path::PathBuf {
        self.path().join("keys/acme.key")
    }
}

fn answer(output: Output) -> Answer {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Both simulated systems as a process of their own.
struct Sim {
    process: std::process::Child,
    at: Value,
}

impl Sim {
    fn start(home: &Home) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .arg("--home")
            .arg(home.path())
            .args(["sim", "--json", "--hubspot-port", "0", "--connectwise-port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = std::io::BufReader::new(process.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        Self { process, at: serde_json::from_str(&line).unwrap() }
    }

    fn text(&self, system: &str, name: &str) -> &str {
        self.at[system][name].as_str().unwrap()
    }

    /// A workspace connected to these systems, with the default configuration deployed after `edit`.
    fn connect(&self, home: &Home, edit: impl FnOnce(String) -> String) {
        assert_eq!(home.run("init acme").code, 0);
        let args = format!("connect hubspot --base-url {} --token-stdin", self.text("hubspot", "url"));
        let done = home.run_with(&args, self.text("hubspot", "token"));
        assert_eq!(done.code, 0, "{}", done.err);
        let cw = |name| self.text("connectwise", name);
        let args = format!(
            "connect connectwise --site {} --company {} --public-key {} --client-id {} --private-key-stdin",
            cw("url"),
            cw("company"),
            cw("public_key"),
            cw("client_id")
        );
        let done = home.run_with(&args, cw("private_key"));
        assert_eq!(done.code, 0, "{}", done.err);
        let text = edit(home.run("config export -").out);
        let done = home.run_with("config import -", &text);
        assert_eq!(done.code, 0, "{}", done.err);
        let done = home.run("config deploy");
        assert_eq!(done.code, 0, "{}", done.err);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Both may fail only when the process is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The findings of a doctor whose exit code is that one, and who said nothing else on stdout.
fn findings(home: &Home, code: i32) -> Vec<Value> {
    let told = home.run("--json doctor");
    assert_eq!(told.code, code, "{} {}", told.out, told.err);
    let json = told.json();
    assert_eq!(json["exit"], code);
    json["findings"].as_array().unwrap().clone()
}

/// One POST with a token; gives the whole answer.
fn post(base: &str, path: &str, token: &str, body: &str) -> String {
    http("POST", base, path, token, body)
}

fn http(method: &str, base: &str, path: &str, token: &str, body: &str) -> String {
    use std::io::Read;
    let host = base.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
