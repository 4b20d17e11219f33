//! User space may read and write these layouts as bytes.

use crate::{
    Count, Decision, Expiry, InterfaceCounts, InterfaceRecord, PrefixCount, RecentCount, RecentCounts,
    SourceNetwork, SourceNetworks, SourceSet, SourceSets,
};

/// Compiles for plain old data alone.
const fn is_plain<T: bytemuck::Pod>() {}

macro_rules! pod {
    ($($layout:ty),+ $(,)?) => {
        $(
            const _: () = is_plain::<$layout>();

            // SAFETY: bytemuck's derive has the compiler check that any bytes are a valid value, and that there is no
            // padding; the line above asks for it.
            unsafe impl aya::Pod for $layout {}
        )+
    };
}

pod!(
    Count,
    Decision,
    Expiry,
    InterfaceCounts,
    InterfaceRecord,
    PrefixCount,
    RecentCount,
    RecentCounts,
    SourceNetwork,
    SourceNetworks,
    SourceSet,
    SourceSets
);
