//! What the agent tells Prometheus, and that nobody on this host can keep it from doing so. Needs root, nginx, a built
//! `synwall` (`SYNWALL_BIN`) and promtool (`SYNWALL_PROMTOOL`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod alerts;
mod clients;
mod health;
mod names;
mod numbers;
mod page;

use tests::origin::{
    Origin,
    agent::{Agent, Home},
};

/// Where metrics are served.
const LISTEN: &str = "127.0.0.1:9436";

/// An origin whose agent trusts the proxy and serves metrics, with more in its configuration: keys, and tables.
fn served(keys: &str, tables: &str) -> (Origin, Home, Agent) {
    served_with(|_| (keys.to_owned(), tables.to_owned()))
}

/// The same where the configuration depends on where its files are.
fn served_with(more: impl FnOnce(&Home) -> (String, String)) -> (Origin, Home, Agent) {
    let origin = Origin::new();
    let home = Home::new(&origin);
    let (keys, tables) = more(&home);
    home.configure(&format!(
        "interfaces = [\"eth0\", \"absent0\"]\n{keys}\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\", \
         \"2001:db8:94::/48 proxy\"]\nfiles = [\"office.txt\"]\n{tables}\n[metrics]\nlisten = \"{LISTEN}\"\n"
    ));
    home.write("office.txt", "172.16.5.0/24 office\n");
    let agent = Agent::start(&origin, &home);
    (origin, home, agent)
}
