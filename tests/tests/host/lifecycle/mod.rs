//! The life of a filter. It outlives every process and changes without a gap. After a kill at any time, it is the old
//! one or the new one. Needs root, nginx, bpftool and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod concurrent;
mod confirmation;
mod deadlines;
mod down;
mod failed_up;
mod in_place;
mod killed;
mod killed_up;
mod large_lists;
mod leftovers;
mod live_changes;
mod persistence;
