//! The name of each pin, defined once. No name has a dot, because bpffs reserves such names.

/// The magic and version of the filter. Without it, the directory holds half a filter. It is pinned when a new
/// filter has everything but an interface. When a filter is taken down, it is removed right after the interfaces.
pub const LAYOUT: &str = "layout";
/// Ports, drop level and policy. They become constants of every program.
pub const SETTINGS: &str = "settings";
/// The number of the generation in force.
pub const GENERATION: &str = "generation";
/// Outer map: the IPv4 tries of source prefixes (trust, deny) of both generations.
pub const SOURCES_V4: &str = "sources_v4";
/// Outer map: the IPv6 tries of source prefixes, see [`SOURCES_V4`].
pub const SOURCES_V6: &str = "sources_v6";
/// Outer map: the IPv4 tries of retired prefixes, by destination, of both generations.
pub const RETIRED_V4: &str = "retired_v4";
/// Outer map: the IPv6 tries of retired prefixes, see [`RETIRED_V4`].
pub const RETIRED_V6: &str = "retired_v6";
/// The deadlines of temporary prefixes, by slot and generation.
pub const EXPIRIES: &str = "expiries";
/// Outer map: the chunks of counters of prefixes.
pub const PREFIX_COUNTS: &str = "prefix_counts";
/// Counts of prefixes that each CPU has not added to the chunks yet.
pub const RECENT_COUNTS: &str = "recent_counts";
/// Coverage of IPv4: for which sources no trie lookup is needed.
pub const COVERAGE_V4: &str = "coverage_v4";
/// Coverage of IPv6, see [`COVERAGE_V4`].
pub const COVERAGE_V6: &str = "coverage_v6";
/// Drops by source network, per CPU: the part of the table that is read first.
pub const SOURCE_SETS: &str = "source_sets";
/// Drops by source network, per CPU: the counts, see [`SOURCE_SETS`].
pub const SOURCE_NETWORKS: &str = "source_networks";
/// The directory of the chunks of counters. A command first queues on it for the lock of the filter. It exists as
/// long as the filter.
pub const CHUNKS: &str = "chunks";
/// The directory that a running agent holds a lock on.
pub const AGENT: &str = "agent";

/// The prefix of the names of interface directories.
pub const INTERFACE: &str = "interface_";
/// In an interface directory: the link that attaches the program.
pub const LINK: &str = "link";
/// In an interface directory: the counters of the interface, by reason.
pub const INTERFACE_COUNTS: &str = "interface_counts";
/// In an interface directory: name, mode and program of the interface, and the deadline of `--confirm`.
pub const INTERFACE_RECORD: &str = "interface_record";

/// In a generation directory: the records of entries, one for each slot.
pub const ENTRIES: &str = "entries";
/// In a generation directory: the page of each chunk of slots.
pub const PAGES: &str = "pages";
/// In a generation directory: numbers of entries, first free slot, and a change in progress.
pub const HEADER: &str = "header";
/// In a generation directory: the labels of entries.
pub const LABELS: &str = "labels";
/// In a generation directory: the origins of entries.
pub const ORIGINS: &str = "origins";

/// All names that a filter pins, except its layout and its interface directories.
const FILTER: &[&str] = &[
    SETTINGS,
    GENERATION,
    SOURCES_V4,
    SOURCES_V6,
    RETIRED_V4,
    RETIRED_V6,
    EXPIRIES,
    PREFIX_COUNTS,
    RECENT_COUNTS,
    COVERAGE_V4,
    COVERAGE_V6,
    SOURCE_SETS,
    SOURCE_NETWORKS,
    CHUNKS,
    "generation0",
    "generation1",
    AGENT,
];

/// Whether a filter of this version pins something called `name`.
pub fn is_ours(name: &str) -> bool {
    name == LAYOUT || FILTER.contains(&name) || name.starts_with(INTERFACE)
}
