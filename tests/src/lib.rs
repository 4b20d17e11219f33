//! The laboratory that tests synwall against the real kernel, the demo that shows it, and the bench that measures it.
//!
//! Nothing in the laboratory has a name: no `ip netns` entry, and no mount that others see. So nothing can be left
//! behind: the kernel removes everything when the last process that uses it ends. The laboratory needs root.

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

/// Whether tests do their long run: `cargo xtask test --thorough`.
#[must_use]
pub fn thorough() -> bool {
    std::env::var_os("SYNWALL_THOROUGH").is_some()
}
