//! Visits to the origin: checks which host is served, and which host gets no answer.

use std::{io::ErrorKind, net::SocketAddr, sync::atomic::AtomicBool, time::Duration};

use serde_json::Value;
use tests::lab::{Family, Flood, Host, PAGE, Site};

/// Longer than any answer takes, even on a busy machine.
pub const SOON: Duration = Duration::from_secs(5);
/// Longer than an answer takes that the origin sends at once. Later packets are retransmissions.
pub const SILENCE: Duration = Duration::from_millis(150);

pub const BOTH: [Family; 2] = [Family::V4, Family::V6];

/// The proxy's networks, as options of `up`.
pub const PROXY: [&str; 4] = ["--provider", "qrator", "--trust", "2001:db8:94::/48=proxy-v6"];

/// The standard site with the filter up in that mode. `options` are separated by spaces.
pub fn filtered(mode: &str, options: &str) -> Site {
    let site = Site::standard();
    up(&site, mode, options);
    site
}

pub fn up(site: &Site, mode: &str, options: &str) {
    let fixed = ["up", "eth0", "--xdp", mode];
    site.synwall(fixed.into_iter().chain(PROXY).chain(options.split_whitespace()))
        .ok();
}

/// Runs `synwall` with arguments separated by spaces. It must succeed.
#[track_caller]
pub fn synwall(site: &Site, arguments: &str) {
    site.synwall(arguments.split(' ')).ok();
}

/// The JSON document that `synwall` prints.
#[track_caller]
pub fn json(site: &Site, arguments: &str) -> Value {
    site.synwall(arguments.split(' ')).json()
}

pub fn port(host: &Host, family: Family, port: u16) -> SocketAddr {
    SocketAddr::new(host.address(family), port)
}

/// Fails unless the visitor gets the page over a new connection.
#[track_caller]
pub fn is_served(visitor: &Host, origin: SocketAddr) {
    let page = visitor
        .connect(origin, SOON)
        .and_then(|mut connection| connection.get("/"));
    assert_eq!(
        page.unwrap_or_else(|error| panic!("{} at {origin}: {error}", visitor.name())),
        PAGE
    );
}

/// Fails if anything answers the visitor's attempt to connect.
#[track_caller]
pub fn hears_nothing(visitor: &Host, origin: SocketAddr) {
    match visitor.connect(origin, SILENCE) {
        Ok(_) => panic!("{} got through to {origin}", visitor.name()),
        Err(error) => assert_eq!(
            error.kind(),
            ErrorKind::TimedOut,
            "{} at {origin}: {error}",
            visitor.name()
        ),
    }
}

/// Sends `count` SYNs from the attacker's own address to the origin's port 443. The batches are small, so that no
/// queue on the way overflows.
pub fn send_syns(site: &Site, family: Family, count: u64) {
    const BATCH: u64 = 64;
    let mut left = count;
    while left > 0 {
        let flood = Flood::to(site.origin.endpoint(family, 443))
            .own_address_in_one_of(1)
            .seed(left);
        left -= flood
            .frames(left.min(BATCH))
            .lasting(SOON)
            .run(&site.attacker, &AtomicBool::new(false))
            .frames;
    }
}

/// Packets on `eth0` that were dropped for that reason, and packets that would have been.
pub fn dropped(site: &Site, reason: &str) -> (u64, u64) {
    let stats = json(site, "stats reasons --json");
    let rows = stats["reasons"].as_array().expect("rows");
    let row = rows
        .iter()
        .find(|row| row["interface"] == "eth0" && row["reason"] == reason)
        .expect("the reason");
    (
        row["packets"].as_u64().expect("a count"),
        row["would_drop_packets"].as_u64().expect("a count"),
    )
}
