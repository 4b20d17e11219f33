//! The loader of `synwall`: the XDP program, its pinned maps and links, and the agent that keeps them at what a configuration
//! says. The command line is one user of it.
//!
//! A folder is a layer, and imports only the layers below it: [`text`], [`model`], [`sys`], [`pins`], [`lists`], [`filter`],
//! [`view`], [`files`], [`feed`], [`config`], [`agent`]. `CONTRIBUTING.md` has the map, and `cargo xtask lint` checks the code
//! against it.
//!
//! # Features
//!
//! - `cli` (default): the `synwall` binary. Includes `agent`.
//! - `agent`: [`feed`], [`config`] and [`agent`], with a runtime, TLS, DNS and a web server for metrics.
//! - Without both: what it takes to load, list, attach and read counters.
//!
//! # Embedding
//!
//! Another program loads the filter, puts lists in force, attaches it, and reads its counters like this. The filter stays in force
//! when the program ends, because it is pinned. `examples/embed.rs` is a whole program.
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
//! // Loads the maps and locks the filter. A new one drops nothing before it is attached.
//! let settings = Settings::new(random::number()?);
//! instance::refuse_nobody(&settings, rules.any(Action::Trust))?;
//! let (mut filter, is_new) = Instance::open_or_create(Path::new("/sys/fs/bpf/embedded"), &settings)?;
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
