//! The names in a pin directory, each once. bpffs reserves names with a dot, so there is none in ours.

/// Pinned when a new filter has everything but an interface, and removed as soon as nothing is attached any more when it is
/// taken down: without it, the directory holds half a filter.
pub const LAYOUT: &str = "layout";
/// Ports, level and policy, for which every program is specialised.
pub const SETTINGS: &str = "settings";
/// Which generation of the lists is in force.
pub const GENERATION: &str = "generation";
/// The tries of both generations, by source and by destination.
pub const SOURCES_V4: &str = "sources_v4";
/// See [`SOURCES_V4`].
pub const SOURCES_V6: &str = "sources_v6";
/// See [`SOURCES_V4`].
pub const RETIRED_V4: &str = "retired_v4";
/// See [`SOURCES_V4`].
pub const RETIRED_V6: &str = "retired_v6";
/// When prefixes expire.
pub const EXPIRIES: &str = "expiries";
/// The counters of prefixes, in chunks.
pub const PREFIX_COUNTS: &str = "prefix_counts";
/// What each CPU has not added to them yet.
pub const RECENT_COUNTS: &str = "recent_counts";
/// For which sources the tries need not be asked.
pub const COVERAGE_V4: &str = "coverage_v4";
/// See [`COVERAGE_V4`].
pub const COVERAGE_V6: &str = "coverage_v6";
/// Drops by source network.
pub const SOURCE_SETS: &str = "source_sets";
/// See [`SOURCE_SETS`].
pub const SOURCE_NETWORKS: &str = "source_networks";
/// The directory of the chunks of counters. Commands queue on it for the filter's lock, as a filter has it for all its life.
pub const CHUNKS: &str = "chunks";
/// The directory that the agent holds a lock on as long as it runs.
pub const AGENT: &str = "agent";

/// How the names of the directories of interfaces begin.
pub const INTERFACE: &str = "interface_";
/// In the directory of an interface: its link.
pub const LINK: &str = "link";
/// In the directory of an interface: its counters.
pub const INTERFACE_COUNTS: &str = "interface_counts";
/// In the directory of an interface: what is remembered about it.
pub const INTERFACE_RECORD: &str = "interface_record";

/// In the directory of a generation: the table of its entries.
pub const ENTRIES: &str = "entries";
/// In the directory of a generation: where the pages of the table lie.
pub const PAGES: &str = "pages";
/// In the directory of a generation: what is known without reading it.
pub const HEADER: &str = "header";
/// In the directory of a generation: the labels of its entries.
pub const LABELS: &str = "labels";
/// In the directory of a generation: where its entries came from.
pub const ORIGINS: &str = "origins";

/// Everything that a filter pins beside its layout and its interfaces.
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

/// Whether a filter pins something of that name.
pub fn is_ours(name: &str) -> bool {
    name == LAYOUT || FILTER.contains(&name) || name.starts_with(INTERFACE)
}
