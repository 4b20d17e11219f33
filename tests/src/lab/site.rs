//! The standard laboratory: an origin with a web server, its proxy, and an attacker.

use std::ffi::OsStr;
use std::fs;

use super::{Cards, Host, Lab, Nginx, Output, Wire, must, synwall};

/// The text of the page at `/`.
pub const PAGE: &str = "origin";
/// The path of a page of 4 MiB.
pub const LARGE_PAGE: &str = "/large";
pub(super) const LARGE_PAGE_BYTES: usize = 4 << 20;

/// A site behind a reverse proxy, and an attacker, on one wire.
///
/// | host | IPv4 | IPv6 |
/// |---|---|---|
/// | origin | 203.0.113.10/24 | 2001:db8:113::10/64 |
/// | proxy | 185.94.108.10/24 (Qrator's network) | 2001:db8:94::10/64 |
/// | attacker | 198.51.100.66/24 | 2001:db8:bad::66/64 |
#[derive(Debug)]
pub struct Site {
    // Rust drops fields in this order: the server must end first, the mounts last.
    nginx: Option<Nginx>,
    /// The web server that the filter hides.
    pub origin: Host,
    /// The only host that should reach the origin.
    pub proxy: Host,
    /// A stranger.
    pub attacker: Host,
    /// Hosts that the plan added, in its order.
    pub others: Vec<Host>,
    /// The wire between the hosts.
    pub wire: Wire,
    /// The private mounts.
    pub lab: Lab,
}

/// The properties of a [`Site`], to be changed before it is built.
#[derive(Debug, Clone)]
pub struct Plan {
    mtu: u32,
    vlan: Option<u16>,
    others: Vec<(String, String, String)>,
    server: bool,
    cards: Option<Cards>,
}

impl Plan {
    /// Sets the MTU of every interface.
    #[must_use]
    pub fn mtu(self, mtu: u32) -> Self {
        Self { mtu, ..self }
    }

    /// Puts the addresses of all hosts on `eth0.ID`, so that frames on the wire carry the tag. Not every kernel can
    /// do this: see [`Wire::can_tag`].
    #[must_use]
    pub fn vlan(self, id: u16) -> Self {
        Self {
            vlan: Some(id),
            ..self
        }
    }

    /// Adds a host. Its addresses include their prefix length.
    #[must_use]
    pub fn host(mut self, name: &str, v4: &str, v6: &str) -> Self {
        self.others.push((name.into(), v4.into(), v6.into()));
        self
    }

    /// Leaves the web server out, so that closed ports answer with a reset.
    #[must_use]
    pub fn without_server(self) -> Self {
        Self {
            server: false,
            ..self
        }
    }

    /// Gives the origin a network card of the machine. The wire gets the card at the other end of its cable.
    #[must_use]
    pub fn cards(self, cards: Cards) -> Self {
        Self {
            cards: Some(cards),
            ..self
        }
    }

    /// Builds the site in the calling thread. Its mounts and processes belong to this thread.
    #[must_use]
    pub fn build(self) -> Site {
        let lab = Lab::new();
        let mut wire = Wire::new(self.mtu, self.vlan);
        let (v4, v6) = ("203.0.113.10/24", "2001:db8:113::10/64");
        let origin = match &self.cards {
            Some(cards) => wire.plug_cards("origin", cards, v4, v6),
            None => wire.plug("origin", v4, v6),
        };
        let proxy = wire.plug("proxy", "185.94.108.10/24", "2001:db8:94::10/64");
        let attacker = wire.plug("attacker", "198.51.100.66/24", "2001:db8:bad::66/64");
        let others = self
            .others
            .iter()
            .map(|(name, v4, v6)| wire.plug(name, v4, v6))
            .collect();
        let nginx = self.server.then(|| Nginx::start(&origin, lab.directory()));
        Site {
            nginx,
            origin,
            proxy,
            attacker,
            others,
            wire,
            lab,
        }
    }
}

impl Site {
    /// The plan of the standard site, to be changed before it is built.
    #[must_use]
    pub fn plan() -> Plan {
        Plan {
            mtu: 1500,
            vlan: None,
            others: Vec::new(),
            server: true,
            cards: None,
        }
    }

    /// Builds the standard site.
    #[must_use]
    pub fn standard() -> Self {
        Self::plan().build()
    }

    /// Runs `synwall` with the arguments on the origin, to its end.
    pub fn synwall<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Output::of(&mut synwall::command(&self.origin, arguments))
    }

    /// Runs `synwall` on the origin with a standard input, to its end.
    pub fn synwall_with_input<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &str,
    ) -> Output {
        Output::with_input(&mut synwall::command(&self.origin, arguments), input)
    }

    /// A `synwall` command on the origin that the caller starts. Use it for commands that keep running (`synwall
    /// run`, `--watch`).
    pub fn synwall_command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> std::process::Command {
        synwall::command(&self.origin, arguments)
    }

    /// Fails if a `synwall` runs on this site. Others may run on the machine, with its mounts or their own.
    ///
    /// # Panics
    /// That is how it fails.
    #[track_caller]
    pub fn no_process_of_ours_runs(&self) {
        let own = must(
            "look at the mount namespace",
            fs::read_link("/proc/thread-self/ns/mnt"),
        );
        for process in must("list processes", fs::read_dir("/proc")).flatten() {
            let comm = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            let here = fs::read_link(process.path().join("ns/mnt")).is_ok_and(|namespace| namespace == own);
            assert!(
                !(here && comm.trim() == "synwall"),
                "{} runs",
                process.path().display()
            );
        }
    }

    /// The web server. `None` if the plan left it out.
    #[must_use]
    pub fn nginx(&self) -> Option<&Nginx> {
        self.nginx.as_ref()
    }
}
