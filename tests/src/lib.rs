//! The laboratory in which synwall is tested against the real kernel, the demo that shows it, and the bench that
//! measures it.
//!
//! Nothing in the laboratory has a name (no `ip netns` entry, no mount that others see), so nothing can be
//! left behind: the kernel takes it all away with the last process that uses it. It needs root.

pub mod bench;
pub mod demo;
pub mod inputs;
pub mod kernel;
pub mod lab;
pub mod oracle;
pub mod origin;
pub mod random;
mod verbs;

pub use verbs::verbs;

/// Whether tests are to do the long run of what they do: `cargo xtask test --thorough`.
#[must_use]
pub fn thorough() -> bool {
    std::env::var_os("SYNWALL_THOROUGH").is_some()
}
