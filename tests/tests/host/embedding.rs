//! What `examples/embed.rs` promises: another program loads the filter, puts lists in force, attaches it and reads its counters,
//! and the command line finds what it made.

use std::path::Path;

use tests::origin::{Origin, PINS};

#[path = "../../../filter-user/examples/embed.rs"]
#[expect(dead_code, reason = "the example's own main is for the command line")]
mod embed;

#[test]
fn another_program_loads_lists_attaches_and_reads_counters() {
    let origin = Origin::new();
    let protect = |prefixes: &[&str]| {
        let entries = prefixes.iter().map(|prefix| prefix.parse().expect("an entry"));
        let entries = entries.collect();
        origin
            .site
            .origin
            .run(move || embed::protect(Path::new(PINS), "eth0", entries).map_err(|error| error.to_string()))
    };
    let before = protect(&["185.94.108.0/24=qrator", "2001:db8:94::/48"]).expect("a filter");
    assert_eq!(before.all_dropped(), 0);
    origin.filters();
    assert_eq!(origin.list("trust"), ["185.94.108.0/24", "2001:db8:94::/48"]);

    let sent = origin.attack();
    let after = protect(&["185.94.108.0/24=qrator", "2001:db8:94::/48"]).expect("the same filter");
    assert!(after.all_dropped() >= sent, "{} of {sent}", after.all_dropped());
}

#[test]
fn a_new_filter_that_trusts_nobody_is_refused_and_removed() {
    let origin = Origin::new();
    let refused = origin
        .site
        .origin
        .run(|| embed::protect(Path::new(PINS), "eth0", Vec::new()).map_err(|error| error.to_string()));
    let error = refused.expect_err("nobody is trusted");
    assert!(error.contains("no trusted prefix"), "{error}");
    assert!(!Path::new(PINS).exists() || origin.run("status").code == Some(1));
    origin.serves_everybody();
}
