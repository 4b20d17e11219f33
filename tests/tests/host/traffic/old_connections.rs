//! Connections from before `up`: what each drop level does to them.

use std::time::{Duration, Instant};

use tests::lab::{Connection, PAGE, Site};

use crate::traffic::visit::{BOTH, SOON, dropped, port, synwall, up};

/// How long a test waits for an answer that must not come.
const PATIENCE: Duration = Duration::from_millis(600);

/// Connections of the attacker, one for each version of IP.
fn connect(site: &Site) -> Vec<Connection> {
    BOTH.into_iter()
        .map(|family| {
            let mut connection = site
                .attacker
                .connect(port(&site.origin, family, 80), PATIENCE)
                .expect("a connection");
            assert_eq!(connection.get("/").expect("a page"), PAGE);
            connection
        })
        .collect()
}

/// Fails unless the connection delivers a page soon. Lost segments are retransmitted after a while.
#[track_caller]
fn lives(connection: &mut Connection) {
    let give_up = Instant::now() + 2 * SOON;
    while let Err(error) = connection.get("/") {
        assert!(Instant::now() < give_up, "the connection is dead: {error}");
    }
}

fn live_on_at_level_new(mode: &str) {
    let site = Site::standard();
    let mut old = connect(&site);
    up(&site, mode, "--drop new");
    for connection in &mut old {
        assert_eq!(connection.get("/").expect("a page"), PAGE);
    }
}

fn live_on_at_level_unestablished(mode: &str) {
    let site = Site::standard();
    let mut old = connect(&site);
    up(&site, mode, "--drop unestablished");
    for connection in &mut old {
        assert_eq!(connection.get("/").expect("a page"), PAGE);
    }
    assert_eq!(dropped(&site, "untrusted-stray").0, 0);
}

fn die_at_level_all_and_live_again_after_it(mode: &str) {
    let site = Site::standard();
    let mut old = connect(&site);
    up(&site, mode, "--drop all");
    for connection in &mut old {
        connection.get("/").expect_err("a segment got through");
    }
    assert!(dropped(&site, "untrusted-segment").0 >= 2);
    synwall(&site, "set --drop new");
    old.iter_mut().for_each(lives);
    synwall(&site, "set --drop unestablished");
    old.iter_mut().for_each(lives);
}

fn of_the_proxy_live_on_at_every_level(mode: &str) {
    let site = Site::standard();
    let mut old: Vec<Connection> = BOTH
        .into_iter()
        .map(|family| {
            site.proxy
                .connect(port(&site.origin, family, 80), SOON)
                .expect("a connection")
        })
        .collect();
    up(&site, mode, "");
    for level in ["new", "unestablished", "all"] {
        synwall(&site, &format!("set --drop {level}"));
        for connection in &mut old {
            assert_eq!(connection.get("/").expect("a page"), PAGE);
        }
    }
}

in_both_modes!(
    live_on_at_level_new,
    live_on_at_level_unestablished,
    die_at_level_all_and_live_again_after_it,
    of_the_proxy_live_on_at_every_level,
);
