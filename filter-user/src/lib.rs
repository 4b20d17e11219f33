//! The library behind `synwall`, a firewall that drops new connections from untrusted networks in XDP.
//!
//! It loads the XDP program, pins its maps and links, and changes the lists and settings of a running filter. It also
//! has the agent, which keeps the kernel in the state that a configuration file describes. The command line is one
//! user of this library.
//!
//! Each module is a layer, and imports only layers before it in this list: [`text`], [`model`], [`sys`], [`pins`],
//! [`lists`], [`filter`], [`view`], [`files`], [`feed`], [`config`], [`agent`]. `CONTRIBUTING.md` has a map of them,
//! and `cargo xtask lint` checks the imports.
//!
//! # Features
//!
//! - `cli` (default): the `synwall` binary. Includes `agent`.
//! - `agent`: the modules [`feed`], [`config`] and [`agent`], with a runtime, TLS, DNS and a web server for metrics.
//! - Without both: everything needed to load a filter, change its lists, attach it and read its counters.
//!
//! # Embedding
//!
//! This is how another program loads the filter, puts a list in force, attaches to an interface, and reads counters.
//! The filter stays in force after the program has ended, because it is pinned. `examples/embed.rs` is a whole program.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use filter_user::{
//!     filter::instance::{self, Instance},
//!     model::{entry::Action, mode::RequestedMode, rules::Rules, settings::Settings},
//!     sys::{netlink, random},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let interface = netlink::by_name("eth0")?;
//! let trusted = vec!["198.51.100.0/24=office".parse()?];
//! let rules = Rules::default().add(Action::Trust, trusted, false)?;
//!
//! // The number is a secret of this filter.
//! let settings = Settings::new(random::number()?);
//! instance::refuse_nobody(&settings, rules.any(Action::Trust))?;
//! let (mut filter, is_new) = Instance::open_or_create(Path::new("/sys/fs/bpf/embedded"), &settings)?;
//!
//! // The list must be in force before the program is attached.
//! filter.set_rules(rules)?;
//! if is_new {
//!     filter.complete()?;
//! }
//! filter.attach(&[interface], RequestedMode::Auto, 0)?;
//!
//! for attachment in filter.attachments() {
//!     let totals = attachment.totals(filter.pins())?;
//!     println!("{}: {} packets dropped", attachment.name(), totals.all_dropped());
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "agent")]
pub mod config;
#[cfg(feature = "agent")]
pub mod feed;
pub mod files;
pub mod filter;
pub mod lists;
pub mod model;
pub mod pins;
pub mod sys;
pub mod text;
pub mod view;
