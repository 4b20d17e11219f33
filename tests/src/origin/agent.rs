//! The agent on an origin: its files, its process, its log.

use std::{
    fmt::Write as _,
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::Origin;
use crate::lab::Output;

/// Longer than the agent takes for anything by itself, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(10);

/// The files of an agent: a configuration, and the state that it keeps for the next start.
#[derive(Debug, Clone)]
pub struct Home {
    /// The directory of the configuration.
    pub etc: PathBuf,
    /// The directory of last good copies.
    pub state: PathBuf,
}

impl Home {
    /// Empty directories in the laboratory of the calling thread.
    #[must_use]
    pub fn new(origin: &Origin) -> Self {
        let lab = origin.site.lab.directory();
        let home = Self {
            etc: lab.join("etc"),
            state: lab.join("state"),
        };
        fs::create_dir_all(&home.etc).expect("a directory");
        home
    }

    /// The path of the configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.etc.join("synwall.toml")
    }

    /// Replaces the file of that name with a new file, as editors do.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.etc.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        let beside = path.with_extension("new");
        fs::write(&beside, text).expect("a file");
        fs::rename(beside, path).expect("a file");
    }

    /// Writes the configuration.
    pub fn configure(&self, text: &str) {
        self.write("synwall.toml", text);
    }
}

/// A running agent. Dropping it kills the process. The filter stays.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    told: Receiver<String>,
    log: PathBuf,
}

impl Agent {
    /// Starts the agent and waits until it reports that it is ready.
    #[track_caller]
    #[must_use]
    pub fn start(origin: &Origin, home: &Home) -> Self {
        let agent = Self::spawn(origin, home, &[]);
        agent.told("READY=1");
        agent
    }

    /// Starts the agent with more environment variables, and waits until it is ready.
    #[track_caller]
    #[must_use]
    pub fn spawn(origin: &Origin, home: &Home, environment: &[(&str, &str)]) -> Self {
        let lab = origin.site.lab.directory();
        let number = fs::read_dir(lab).expect("a directory").count();
        let socket = lab.join(format!("agent-{number}"));
        let log = socket.with_extension("log");
        let told = UnixDatagram::bind(&socket).expect("a socket");
        let told = listen(told);
        let mut command = Self::command(origin, home);
        command
            .env("NOTIFY_SOCKET", &socket)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a file"));
        let child = command.spawn().expect("the agent");
        Self { child, told, log }
    }

    /// Runs the agent where it must fail at once.
    pub fn fails(origin: &Origin, home: &Home) -> Output {
        let output = Output::of(&mut Self::command(origin, home));
        assert_eq!(output.code, Some(1), "{output}");
        output
    }

    fn command(origin: &Origin, home: &Home) -> std::process::Command {
        let mut command = origin.site.synwall_command(["run", "--config"]);
        command
            .arg(home.config())
            .arg("--state-dir")
            .arg(&home.state)
            .env_remove("SYNWALL_CONFIG")
            .env_remove("STATE_DIRECTORY")
            .env_remove("WATCHDOG_USEC")
            .env_remove("JOURNAL_STREAM");
        command
    }

    /// Waits until the agent sends the service manager this text.
    #[track_caller]
    pub fn told(&self, what: &str) -> String {
        let mut heard = String::new();
        loop {
            let Ok(message) = self.told.recv_timeout(PATIENCE) else {
                panic!("not told '{what}' but\n{heard}\n{}", self.log());
            };
            if message.contains(what) {
                return message;
            }
            let _ = writeln!(heard, "{message}");
        }
    }

    /// Everything that the agent has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("the log")
    }

    /// Waits until the agent has logged this text.
    #[track_caller]
    pub fn says(&mut self, what: &str) {
        let is_said = |agent: &mut Self| agent.log().contains(what);
        self.until(&format!("says '{what}'"), is_said);
    }

    /// Does the work, and waits until the agent has logged this text once more than before.
    #[track_caller]
    pub fn says_after(&mut self, what: &str, work: impl FnOnce()) {
        let before = self.log().len();
        work();
        let is_said = |agent: &mut Self| agent.log()[before..].contains(what);
        self.until(&format!("says '{what}' again"), is_said);
    }

    /// Waits until the condition holds.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        while !holds(self) {
            let ended = self.child.try_wait().expect("a process");
            assert!(ended.is_none(), "the agent has ended ({ended:?})\n{}", self.log());
            assert!(Instant::now() < give_up, "never: {what}\n{}", self.log());
            thread::sleep(PAUSE);
        }
    }

    /// Makes the agent reload, and waits until it has.
    #[track_caller]
    pub fn reload(&self) {
        self.signal(Signal::SIGHUP);
        self.told("RELOADING=1");
        self.told("READY=1");
    }

    /// Sends the agent a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a process");
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a number"))
    }

    /// Stops the agent with SIGTERM, as a service manager does. Returns its exit status and its log.
    #[track_caller]
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal(Signal::SIGTERM);
        let ended = self.child.wait().expect("a process");
        let log = self.log();
        assert!(ended.success(), "{ended}\n{log}");
        (ended, log)
    }

    /// Kills the agent with SIGKILL, so it cannot clean up.
    pub fn kill(mut self) {
        self.child.kill().expect("a process");
        self.child.wait().expect("a process");
    }

    /// Drops the messages that the service manager has received so far.
    pub fn drain(&self) {
        while self.told.recv_timeout(10 * PAUSE).is_ok() {}
    }

    /// Whether the service manager receives a message within that time.
    #[must_use]
    pub fn tells_anything_within(&self, time: Duration) -> bool {
        self.told.recv_timeout(time).is_ok()
    }

    /// CPU time of the agent, in clock ticks.
    #[must_use]
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a process");
        // The name in parentheses may contain spaces. After it come 11 fields before the times (proc(5)).
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        ticks.map(|field| field.parse::<u64>().expect("a number")).sum()
    }

    /// The number of open file descriptors.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let path = Path::new("/proc").join(self.child.id().to_string()).join("fd");
        fs::read_dir(path).expect("descriptors").count()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Both calls fail only if the agent has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Receives all messages to the service manager, until the laboratory ends.
fn listen(socket: UnixDatagram) -> Receiver<String> {
    let (give, take) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            if give
                .send(String::from_utf8_lossy(&buffer[..length]).into_owned())
                .is_err()
            {
                return;
            }
        }
    });
    take
}
