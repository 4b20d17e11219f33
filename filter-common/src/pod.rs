//! User space may read and write these layouts as bytes.

use crate::{
    Count, Decision, Expiry, InterfaceCounts, InterfaceRecord, PrefixCount, RecentCount, RecentCounts,
    SourceNetwork, SourceNetworks, SourceSet, SourceSets,
};

/// Makes types values of aya's maps. The compiler refuses a type that is not plain old data by bytemuck's derive. The crate
/// that calls it depends on `aya` and `bytemuck`.
#[macro_export]
macro_rules! map_values {
    ($($layout:ty),+ $(,)?) => {
        $(
            const _: () = {
                const fn is_plain<T: bytemuck::Pod>() {}
                is_plain::<$layout>();
            };

            // SAFETY: bytemuck's derive has the compiler check that any bytes are a valid value, and that there is no
            // padding. The lines above ask for it.
            unsafe impl aya::Pod for $layout {}
        )+
    };
}

map_values!(
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
