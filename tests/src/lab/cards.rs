//! Network cards of the machine that the tests run on, for what only a real driver shows. They are taken where they were
//! put in for that, in the machines that `cargo xtask test --kernels` emulates, and nowhere else.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Set where all network cards are there to be tested with.
const ALLOWED: &str = "SYNWALL_TEST_CARDS";

/// How long a card may take to come back from a laboratory that has ended: the kernel takes namespaces away later.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two cards on one cable.
#[derive(Debug, Clone)]
pub struct Cards {
    /// The interface of the one for a host.
    pub(super) of_host: String,
    /// Its MAC address.
    pub(super) mac: [u8; 6],
    /// The interface of the other one, for the wire.
    pub(super) of_wire: String,
}

impl Cards {
    /// The two cards of a driver. None on a machine whose cards are its own.
    ///
    /// # Panics
    /// Where cards are there to be tested with, but not two of this driver.
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

/// MAC addresses and names of the interfaces that a driver runs, in the order of the former.
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
