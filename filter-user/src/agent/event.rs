//! What the agent may have to act on.

/// Something that the agent may have to act on.
#[derive(Debug)]
pub enum Event {
    /// The configuration is to be read and put in force, whether it has changed or not.
    Reload,
    /// Files may have changed.
    Files,
    /// Interfaces may have changed.
    Interfaces,
    /// A feed was fetched, or could not be.
    Fetched(Fetched),
    /// The agent is to end.
    Stop,
}

/// How an attempt went.
#[derive(Debug)]
pub struct Fetched {
    /// The feed's name.
    pub name: String,
    /// Why there is no new list, if there is none.
    pub error: Option<String>,
}
