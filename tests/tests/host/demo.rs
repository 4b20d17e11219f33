//! The demo as users run it: to its end, and interrupted in the middle. Needs root and a built synwall.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Far longer than the demo may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running demo. All its descendants inherit a variable that identifies them.
struct Demo {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    temporary: TempDir,
    machine: Machine,
}

/// What a demo must leave as it was.
#[derive(Debug, PartialEq)]
struct Machine {
    mounts: Vec<String>,
    links: Vec<String>,
    namespaces: Vec<String>,
}

impl Machine {
    fn now() -> Self {
        let ip = |arguments: &[&str]| {
            let output = Command::new("ip").args(arguments).output().expect("ip");
            String::from_utf8(output.stdout).expect("text")
        };
        let only = |text: String, ours: &dyn Fn(&str) -> bool| -> Vec<String> {
            text.lines()
                .filter(|line| ours(line))
                .map(str::to_owned)
                .collect()
        };
        let mounts = fs::read_to_string("/proc/thread-self/mounts").expect("the mounts");
        Self {
            mounts: only(mounts, &|line| {
                line.contains(" /run ") || line.contains(" /sys/fs/bpf ")
            }),
            links: only(ip(&["-brief", "link"]), &|line| {
                ["bridge", "port", "eth0"]
                    .iter()
                    .any(|name| line.starts_with(name))
            }),
            namespaces: only(ip(&["netns", "list"]), &|_| true),
        }
    }
}

impl Demo {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(environment: &[(&str, &str)]) -> Self {
        crate::apart::machine();
        let machine = Machine::now();
        let temporary = TempDir::new().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command
            .envs(environment.iter().copied())
            .spawn()
            .expect("the demo starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
            temporary,
            machine,
        }
    }

    /// Waits until the demo prints this text.
    fn says(&mut self, text: &str) {
        while !self.seen.last().is_some_and(|line| line.contains(text)) {
            let line = self.lines.recv_timeout(PATIENCE);
            self.seen
                .push(line.unwrap_or_else(|_| panic!("it never said {text:?}:\n{}", self.seen.join("\n"))));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("the demo runs");
    }

    /// Waits for the end of the demo, and checks that nothing is left. Returns its exit status and its output.
    fn end(mut self, within: Duration) -> (ExitStatus, Vec<String>) {
        let deadline = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if Instant::now() > deadline {
                // Killing the demo also kills its children.
                let _ = self.child.kill();
                panic!("it did not end within {within:?}:\n{}", self.seen.join("\n"));
            }
            thread::sleep(Duration::from_millis(20));
        };
        // The kernel kills the children, which may take a moment.
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.descendants().is_empty() {
            assert!(
                Instant::now() < deadline,
                "processes are left: {:?}",
                self.descendants()
            );
            thread::sleep(Duration::from_millis(20));
        }
        self.seen.extend(self.lines.iter());
        let files: Vec<_> = fs::read_dir(self.temporary.path())
            .expect("the directory")
            .flatten()
            .collect();
        assert!(files.is_empty(), "files are left: {files:?}");
        assert!(!Path::new("/run/laboratory").exists(), "a directory is left");
        assert_eq!(Machine::now(), self.machine);
        (status, self.seen)
    }

    /// Processes with this demo's TMPDIR, even if they have another parent by now.
    fn descendants(&self) -> Vec<String> {
        let mark = format!("TMPDIR={}\0", self.temporary.path().display());
        let processes = fs::read_dir("/proc")
            .expect("processes")
            .flatten()
            .map(|entry| entry.path());
        let marked = processes.filter(|path| {
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&mark)
        });
        marked
            .map(|path| fs::read_to_string(path.join("comm")).unwrap_or_default())
            .collect()
    }
}

#[test]
fn every_claim_holds_and_nothing_is_left() {
    let started = Instant::now();
    let (status, seen) = Demo::start().end(PATIENCE);
    let text = seen.join("\n");
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "it took {:?}",
        started.elapsed()
    );
    let story = [
        "1. Lay out a small Internet",
        "2. Before: the origin answers everyone",
        "ok proxy    gets the page: http and https, IPv4 and IPv6",
        "ok attacker gets the page: http and https, IPv4 and IPv6",
        "$ synwall up eth0 --provider qrator --trust 2001:db8:94::/48=proxy-v6",
        "4. Hidden: only the proxy gets through",
        "ok proxy    gets the page",
        "ok attacker hears nothing on all four",
        "443/tcp filtered",
        "5. Under a flood",
        "ok every request of the proxy succeeded",
        "ok every frame that reached the origin was dropped, and counted",
        "$ synwall status",
        "$ synwall stats sources",
        "$ synwall stats prefixes",
        "$ synwall stats reasons",
        "$ synwall trust add 198.51.100.0/24",
        "ok attacker gets the page",
        "$ synwall trust remove 198.51.100.0/24",
        "ok attacker hears nothing",
        "$ synwall down --all",
        "ok attacker gets the page",
        "9. The same for years",
        "| providers = [\"qrator\"]",
        "synwall.toml is fine",
        "$ synwall run --config",
        "| eth0: up",
        "ok proxy    gets the page",
        "ok attacker hears nothing",
        "| the configuration has changed",
        "ok attacker gets the page",
        "The filter stays",
        "ok attacker hears nothing",
        "$ synwall down --all",
        "ok attacker gets the page",
        "10. What you have seen",
    ];
    // The order matters.
    let mut rest = text.as_str();
    for line in story {
        let Some((_, after)) = rest.split_once(line) else {
            panic!("it did not say {line:?} in its place:\n{text}")
        };
        rest = after;
    }
    assert!(!text.contains('\x1b'), "colour in a pipe");
    let own = seen.iter().filter(|line| !line.starts_with("   | "));
    own.for_each(|line| assert!(line.chars().count() <= 100, "too wide: {line}"));
}

#[test]
fn a_claim_that_does_not_hold_fails_the_demo() {
    // `true` succeeds as a synwall and does nothing.
    let (status, seen) = Demo::start_with(&[("SYNWALL_BIN", "/bin/true")]).end(PATIENCE);
    let text = seen.join("\n");
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(
        text.contains("FAILED in step 3") && text.contains("expected: pins below"),
        "{text}"
    );
}

#[test]
fn an_interrupted_demo_stops_and_leaves_nothing() {
    for (signal, place) in [
        (Signal::SIGINT, "5. Under a flood"),
        (Signal::SIGTERM, "4. Hidden"),
    ] {
        let mut demo = Demo::start();
        demo.says(place);
        thread::sleep(Duration::from_millis(500));
        demo.signal(signal);
        let (status, seen) = demo.end(Duration::from_secs(5));
        assert_eq!(status.code(), Some(130), "{}", seen.join("\n"));
        assert!(seen.join("\n").contains("Interrupted"), "{}", seen.join("\n"));
    }
}

#[test]
fn a_killed_demo_leaves_nothing_either() {
    let mut demo = Demo::start();
    demo.says("2. Before");
    assert!(
        demo.descendants().iter().any(|name| name.trim() == "nginx"),
        "nginx does not run"
    );
    demo.signal(Signal::SIGKILL);
    let (status, _) = demo.end(Duration::from_secs(5));
    assert_eq!(status.code(), None);
}
