//! Traffic through the filter: real namespaces, nginx and curl, in native and in generic mode, over IPv4 and IPv6.
//! Needs root, nginx and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

/// Makes a test of each function for each mode: `native::name` and `generic::name`.
macro_rules! in_both_modes {
    ($($name:ident),+ $(,)?) => {
        mod native {
            $(#[test] fn $name() { super::$name("native"); })+
        }
        mod generic {
            $(#[test] fn $name() { super::$name("generic"); })+
        }
    };
}

mod access;
mod counters;
mod former_addresses;
mod old_connections;
mod replacing;
mod time_limits;
mod udp;
mod visit;
mod wires;
