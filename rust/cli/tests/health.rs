//! `tokenledger health` as a container runs it: it finds the collector by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use serde_json::Value;

/// Tells a process started from this very file to play a collector, and how it answers.
const ROLE: &str = "TL_TEST_COLLECTOR";

/// The role of one that listens on no port.
const NOWHERE: &str = "nowhere";

/// Scenario: none of its own; with the variable set, the process of the tests below that stands for a collector. It
/// serves one port and answers every request with the status that the variable names.
/// Guarantee: without the variable it does nothing.
#[test]
fn collector_that_the_other_tests_start() {
    let Ok(status) = env::var(ROLE) else { return };
    if status == NOWHERE {
        println!("port none");
        thread::sleep(Duration::from_secs(60)); // far longer than it is needed; it is killed
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("port {}", listener.local_addr().unwrap().port());
    for mut stream in listener.incoming().flatten() {
        let mut request = [0; 1024];
        let length = stream.read(&mut request).unwrap();
        let get = request[..length].starts_with(b"GET / ");
        let status = if get { status.as_str() } else { "404" };
        let content = r#"{"status":"as the test wants"}"#;
        let length = content.len();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{content}"
        );
    }
}

/// A collector's stand-in that ends with the test.
struct Collector {
    process: Child,
    port: String,
    _folder: tempfile::TempDir,
}

impl Collector {
    /// Starts one under a collector's name; it answers with `status`. A link is enough for the name, and unlike a copy is
    /// never open for writing in a process that another test forks at this moment, which would forbid to run it.
    fn start(status: &str) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let program = folder.path().join("otelcol-contrib");
        fs::hard_link(env::current_exe().unwrap(), &program).unwrap();
        let mut process = Command::new(&program)
            .args(["--exact", "collector_that_the_other_tests_start", "--nocapture"])
            .env(ROLE, status)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("port ")?.1.to_owned()));
        Self { process, port: port.expect("the stand-in names its port"), _folder: folder }
    }

    /// Shows it in a folder like `/proc`, in which nothing else of the machine is seen.
    fn appear_in(&self, proc: &Path) {
        let pid = self.process.id().to_string();
        symlink(Path::new("/proc").join(&pid), proc.join(&pid)).unwrap();
        let _ = symlink("/proc/uptime", proc.join("uptime")); // there already if it is not alone
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Exit code and output of `tokenledger health` without any variable of the collector's but these.
fn health(proc: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tokenledger"))
        .args(["health", "--timeout", "10", "--proc"])
        .arg(proc)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code().unwrap(), out + &err)
}

/// Scenario: a collector with its health check on a port that nobody was told, as in the image, whose own variables name
/// every address as the host. Guarantee: found; healthy, or not healthy with what it said; exit codes 0 and 1.
#[test]
fn a_collector_is_found_by_itself() {
    for (status, code, says) in [("200", 0, "healthy: "), ("503", 1, "not healthy: ")] {
        let proc = tempfile::tempdir().unwrap();
        let collector = Collector::start(status);
        collector.appear_in(proc.path());
        let (ended, text) = health(proc.path(), &[], &[("TOKENLEDGER_HOST", "0.0.0.0")]);
        assert_eq!(ended, code, "{text}");
        let names = format!("{says}otelcol-contrib (process {}): ", collector.process.id());
        assert!(text.starts_with(&names) && text.contains(&collector.port), "{text}");
    }
}

/// Scenario: the same for a program. Guarantee: one line of JSON with the address, and the collector with the reason.
#[test]
fn programs_read_what_was_found() {
    let proc = tempfile::tempdir().unwrap();
    let collector = Collector::start("503");
    collector.appear_in(proc.path());
    let (code, text) = health(proc.path(), &["--json"], &[]);
    assert_eq!((code, text.lines().count()), (1, 1), "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["healthy"], false);
    assert_eq!(answer["endpoint"], format!("http://127.0.0.1:{}/", collector.port));
    assert_eq!(answer["collectors"][0]["process"], collector.process.id());
    assert!(answer["error"].as_str().unwrap().contains("answered 503"), "{text}");
}

/// Scenario: two collectors, one of which says no; then, beside the one that is well, one that listens nowhere, as a short
/// `validate` does. Guarantee: all that listen have to be well, the answer names the one that is not; the last does not count.
#[test]
fn every_collector_has_to_be_well() {
    let [well, ill, silent] = [Collector::start("200"), Collector::start("503"), Collector::start(NOWHERE)];
    for (other, code) in [(&ill, 1), (&silent, 0)] {
        let proc = tempfile::tempdir().unwrap();
        well.appear_in(proc.path());
        other.appear_in(proc.path());
        let (ended, text) = health(proc.path(), &["--json"], &[]);
        assert_eq!(ended, code, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(!error.contains(&well.port), "{text}");
        assert_eq!(answer["collectors"].as_array().unwrap().len(), if code == 1 { 2 } else { 1 }, "{text}");
    }
}

/// Scenario: the collector has ended; then no process of one is seen at all. Guarantee: not healthy; the usual address is
/// asked, as it is where processes cannot be seen, and both is said.
#[test]
fn a_collector_that_ended_is_not_healthy() {
    let proc = tempfile::tempdir().unwrap();
    let (code, text) = health(proc.path(), &["--endpoint", "http://127.0.0.1:1"], &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with("not healthy: http://127.0.0.1:1 does not answer"), "{text}");

    // Port 13133 may be in use on the machine of the tests, so a closed port is named; named ones are asked as they are.
    let (code, text) = health(proc.path(), &[], &[("TOKENLEDGER_HEALTH_PORT", "1")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("http://localhost:1 does not answer"), "{text}");
}

/// Scenario: a health check is named by argument, by its port, or by one address as the host, while another, healthy
/// collector runs. Guarantee: the named one is asked.
#[test]
fn what_is_named_is_asked() {
    let proc = tempfile::tempdir().unwrap();
    let collector = Collector::start("200");
    collector.appear_in(proc.path());
    assert_eq!(health(proc.path(), &[], &[]).0, 0);
    for (arguments, variables) in [
        (&["--endpoint", "http://127.0.0.1:1"][..], &[][..]),
        (&[], &[("TOKENLEDGER_HEALTH_PORT", "1")]),
        (&[], &[("TOKENLEDGER_HOST", "127.0.0.254"), ("TOKENLEDGER_HEALTH_PORT", "")]),
    ] {
        let (code, text) = health(proc.path(), arguments, variables);
        assert_eq!(code, 1, "{text}");
    }
}
