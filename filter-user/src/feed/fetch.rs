//! Fetches the list of a feed.

use super::{
    definition::{Feed, Location},
    dns_txt,
    error::{Error, Result},
    exec, file, https, read,
};
use crate::model::entry::{Label, NewEntry};

/// Fetches the list of a feed. This takes the feed's time limit at most, or a little more.
pub fn fetch(feed: &Feed) -> Result<Vec<NewEntry>> {
    let timeout = feed.timeout;
    let (bytes, format) = match &feed.location {
        Location::BuiltIn => return Err(Error::BuiltIn(feed.name.clone())),
        Location::Https {
            url,
            ca_file,
            post,
            format,
        } => (
            https::get(url, ca_file.as_deref(), post.as_deref(), timeout)?,
            format,
        ),
        Location::File { path, format } => (file::get(path, timeout)?, format),
        Location::DnsTxt { name, server } => {
            let prefixes = dns_txt::get(name, *server, timeout)?;
            return Ok(read::entries(
                feed,
                prefixes.into_iter().map(|prefix| (prefix, Label::default())),
            ));
        }
        Location::Exec { command, format } => (exec::run::get(command, timeout)?, format),
    };
    read::read(feed, format, &bytes).map_err(Error::Unreadable)
}
