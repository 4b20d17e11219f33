//! An origin with a filter, a proxy that must be served, and an attacker that must not be.
//!
//! Like the laboratory, it panics when a command fails or a check does not hold.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "what fails here fails a test, and the panic says where"
)]

pub mod agent;
pub mod killing;
pub mod objects;
pub mod watch;

use std::{
    fs,
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

use serde_json::Value;

use crate::lab::{Capture, Family, Flood, Output, PAGE, Site};

/// The pin directory of the filter: the default one, on the private bpffs.
pub const PINS: &str = "/sys/fs/bpf/synwall";
/// Longer than any answer takes, even on a busy machine.
pub const SOON: Duration = Duration::from_secs(5);
/// Longer than an answer takes that the origin sends at once.
const SILENCE: Duration = Duration::from_millis(100);
/// The first `up`. It trusts the proxy.
pub const UP: &str = "up eth0 --provider qrator";

/// A site whose origin runs the filter, or will run it.
#[derive(Debug)]
pub struct Origin {
    /// The hosts of the site.
    pub site: Site,
}

impl Origin {
    /// An origin without a filter.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it builds a laboratory, which a default must not"
    )]
    pub fn new() -> Self {
        Self {
            site: Site::standard(),
        }
    }

    /// An origin whose filter is up on `eth0` and trusts the proxy.
    #[must_use]
    pub fn up() -> Self {
        let origin = Self::new();
        origin.synwall(UP);
        origin
    }

    /// Runs `synwall` with arguments separated by spaces. It may succeed or fail.
    pub fn run(&self, arguments: &str) -> Output {
        self.site.synwall(arguments.split(' '))
    }

    /// Runs `synwall`, which must succeed.
    #[track_caller]
    pub fn synwall(&self, arguments: &str) -> Output {
        self.run(arguments).ok()
    }

    /// The JSON document that `synwall` prints. The exit code is not checked.
    #[track_caller]
    pub fn json(&self, arguments: &str) -> Value {
        let output = self.run(arguments);
        serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("no document\n{output}"))
    }

    /// The prefixes of a list, in the order of the list.
    #[track_caller]
    pub fn list(&self, list: &str) -> Vec<String> {
        let document = self.json(&format!("{list} list --json"));
        let rows = document["prefixes"].as_array().expect("rows").iter();
        rows.map(|row| row["prefix"].as_str().expect("a prefix").to_owned())
            .collect()
    }

    /// The packets counted on a prefix of a list. The prefix must be there.
    #[track_caller]
    pub fn packets_on(&self, list: &str, prefix: &str) -> u64 {
        let document = self.json(&format!("{list} list --json"));
        let mut rows = document["prefixes"].as_array().expect("rows").iter();
        let row = rows.find(|row| row["prefix"] == prefix).expect("the prefix");
        row["packets"].as_u64().expect("a number")
    }

    /// What `status` reports about an interface.
    #[track_caller]
    pub fn interface(&self, name: &str) -> Value {
        let status = self.json("status --json");
        let rows = status["interfaces"].as_array().expect("rows").iter();
        let mut found = rows.filter(|row| row["name"] == name);
        found
            .next()
            .unwrap_or_else(|| panic!("{name} is not in {status:#}"))
            .clone()
    }

    fn port(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.site.origin.address(Family::V4), port)
    }

    /// Fails unless the proxy gets the page over a new connection.
    #[track_caller]
    pub fn serves_the_proxy(&self) {
        let page = self
            .site
            .proxy
            .connect(self.port(80), SOON)
            .and_then(|mut connection| connection.get("/"));
        assert_eq!(page.expect("the proxy is served"), PAGE);
    }

    /// Fails unless the attacker gets the page over a new connection.
    #[track_caller]
    pub fn serves_everybody(&self) {
        let page = self
            .site
            .attacker
            .connect(self.port(80), SOON)
            .and_then(|mut connection| connection.get("/"));
        assert_eq!(page.expect("the attacker is served"), PAGE);
    }

    /// Fails if anything answers the attacker's attempt to connect.
    #[track_caller]
    pub fn ignores_the_attacker(&self) {
        match self.site.attacker.connect(self.port(80), SILENCE) {
            Ok(_) => panic!("the attacker got through"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}"),
        }
    }

    /// Fails unless the proxy is served and the attacker gets no answer.
    #[track_caller]
    pub fn filters(&self) {
        self.serves_the_proxy();
        self.ignores_the_attacker();
    }

    /// Sends a batch of SYNs from the attacker's own address. Returns their number.
    pub fn attack(&self) -> u64 {
        let flood = Flood::to(self.site.origin.endpoint(Family::V4, 443)).own_address_in_one_of(1);
        flood
            .frames(50)
            .lasting(SOON)
            .run(&self.site.attacker, &AtomicBool::new(false))
            .frames
    }

    /// Fails if the origin has sent the attacker a TCP segment since the recording began.
    #[track_caller]
    pub fn has_not_answered(&self, capture: &Capture) {
        let ends = Some((
            self.site.origin.address(Family::V4),
            self.site.attacker.address(Family::V4),
        ));
        let heard = capture.matching(SILENCE, |frame| {
            !frame.outgoing && frame.addresses() == ends && frame.tcp().is_some()
        });
        assert!(
            heard.is_empty(),
            "the attacker was answered {} times",
            heard.len()
        );
    }

    /// Adds a veth pair to the origin. Both ends stay in its namespace.
    pub fn add_interface(&self, name: &str) {
        self.site.origin.namespace().ip(&format!(
            "link add {name} type veth peer name {name}-peer\nlink set {name} up\n"
        ));
    }

    /// Whether `eth0` has an XDP program, from synwall or from others.
    pub fn xdp_is_on(&self) -> bool {
        let mut ip = self.site.origin.command("ip");
        Output::of(ip.args(["-json", "link", "show", "eth0"])).json()[0]["xdp"].is_object()
    }

    /// Fails if a `synwall` process runs in the laboratory: in the mount namespace of the calling thread.
    #[track_caller]
    pub fn no_process_of_ours_runs(&self) {
        self.site.no_process_of_ours_runs();
    }
}

/// Takes the filter's lock, as another command would. Dropping the file releases it.
pub fn locked() -> fs::File {
    let pins = fs::File::open(PINS).expect("a filter");
    pins.lock().expect("the lock");
    pins
}

/// Every file and directory below `directory`. Empty if it does not exist.
pub fn pins(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let below: Vec<PathBuf> = found
        .iter()
        .filter(|path| path.is_dir())
        .flat_map(|path| pins(path))
        .collect();
    found.extend(below);
    found.sort();
    found
}

/// The pin directories of interfaces.
pub fn interface_pins() -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("interface_"))
    };
    pins(Path::new(PINS))
        .into_iter()
        .filter(|path| path.is_dir() && named(path))
        .collect()
}
