//! Scanners: nmap, hping3 and crafted frames, from a stranger's host against a real nginx. The tests compare the
//! results with `docs/scanners.md`. Needs root, nginx and a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod answer;
mod at_random;
mod cookies;
mod crafted;
mod document;
mod echo;
mod flags;
mod host_discovery;
mod hping;
mod identification;
mod level;
mod martians;
mod nmap;
mod packet;
mod port_scans;
mod scanned;
mod spoofed;
