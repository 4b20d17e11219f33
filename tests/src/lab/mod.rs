//! A private network for each test: hosts, a wire between them, a web server, clients, floods, captures.
//!
//! Start at [`Site`], the standard laboratory. If its own set-up fails, the laboratory panics and names the command
//! that failed, because no test is about the set-up.

mod capture;
mod cards;
mod connection;
mod curl;
mod ended;
mod flood;
pub mod frame;
mod host;
mod namespace;
mod nginx;
mod output;
mod packet_socket;
mod private_mounts;
mod site;
mod synwall;
mod terminal;
mod wire;

use std::fmt::Display;

pub use capture::{Capture, Captured};
pub use cards::Cards;
pub use connection::Connection;
pub use curl::{Answer, NoAnswer};
pub use ended::Ended;
pub use flood::{Flood, Sent};
pub use host::{Family, Host};
pub use namespace::Namespace;
pub use nginx::Nginx;
pub use output::Output;
pub(crate) use packet_socket::PacketSocket;
pub use private_mounts::Lab;
pub use site::{LARGE_PAGE, PAGE, Plan, Site};
pub use synwall::program as synwall_program;
pub use wire::Wire;

/// Returns the value, or panics and says what could not be done. Only for the laboratory's own actions.
#[track_caller]
pub(crate) fn must<T, E: Display>(what: impl Display, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the laboratory could not {what}: {error}"),
    }
}
