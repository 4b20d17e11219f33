//! Network cards of the machine that runs the tests, for behaviour that only a real driver has. Tests use them only
//! where they were added for this purpose: in the machines that `cargo xtask test --kernels` emulates.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// The environment variable that gives all network cards of the machine to the tests.
const ALLOWED: &str = "SYNWALL_TEST_CARDS";

/// How long a card may take to return from a laboratory that has ended. The kernel removes namespaces later.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two cards, connected by a cable.
#[derive(Debug, Clone)]
pub struct Cards {
    /// The interface that becomes the host's `eth0`.
    pub(super) of_host: String,
    /// The MAC address of that interface.
    pub(super) mac: [u8; 6],
    /// The interface at the other end, for the wire.
    pub(super) of_wire: String,
}

impl Cards {
    /// The two cards of a driver. `None` on a machine whose cards are not there for tests.
    ///
    /// # Panics
    /// If cards are there for tests, but not exactly two of this driver.
    #[must_use]
    pub fn of_driver(driver: &str) -> Option<Self> {
        env::var_os(ALLOWED)?;
        let give_up = Instant::now() + PATIENCE;
        loop {
            let found = interfaces(driver);
            if let [(mac, of_host), (_, of_wire)] = &*found {
                return Some(Self {
                    of_host: of_host.clone(),
                    mac: *mac,
                    of_wire: of_wire.clone(),
                });
            }
            assert!(Instant::now() < give_up, "cards of {driver}: {found:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// MAC addresses and names of the interfaces of a driver, sorted by MAC address.
fn interfaces(driver: &str) -> Vec<([u8; 6], String)> {
    let mut found = Vec::new();
    for interface in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
        let path = interface.path();
        let runs = |link: &Path| fs::read_link(link).is_ok_and(|target| target.ends_with(driver));
        if runs(&path.join("device/driver"))
            && let Some(mac) = fs::read_to_string(path.join("address"))
                .ok()
                .and_then(|text| mac(&text))
        {
            found.push((mac, interface.file_name().to_string_lossy().into_owned()));
        }
    }
    found.sort_unstable();
    found
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let bytes: Option<Vec<u8>> = text
        .trim()
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect();
    bytes?.try_into().ok()
}
