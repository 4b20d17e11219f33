//! The events that the agent acts on.

/// An event that the agent acts on.
#[derive(Debug)]
pub enum Event {
    /// An operator asks for a reload.
    Reload,
    /// Files may have changed.
    Files,
    /// Interfaces may have changed.
    Interfaces,
    /// An attempt to fetch a feed has ended.
    Fetched(Fetched),
    /// The agent must end.
    Stop,
}

/// How an attempt to fetch a feed went.
#[derive(Debug)]
pub struct Fetched {
    /// The name of the feed.
    pub name: String,
    /// Why the attempt failed, if it did.
    pub error: Option<String>,
}
