//! User space may read and write these layouts as bytes.

use crate::{
    Count, Decision, Expiry, InterfaceCounts, InterfaceRecord, PrefixCount, RecentCount, RecentCounts,
    SourceNetwork, SourceNetworks, SourceSet, SourceSets,
};

macro_rules! pod {
    ($($layout:ty),+ $(,)?) => {
        $(
            // SAFETY: `#[repr(C)]` or `#[repr(transparent)]`, made of integers and arrays of them alone,
            // without padding (each states its size beside its definition): any bytes are a valid value.
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
