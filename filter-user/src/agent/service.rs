//! Notifies the service manager, if there is one (`sd_notify(3)`).

use std::time::Duration;

use sd_notify::NotifyState;

/// The interval of the service manager's watchdog, if it has one: without [`alive`] within it, the agent is restarted.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// The start or the reload is complete.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// A reload begins; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => log::warn!("cannot read the clock for the service manager: {error}"),
    }
}

/// The agent is about to end.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// The agent is alive.
pub fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// A line for `systemctl status`.
pub fn status(text: &str) {
    notify(&[NotifyState::Status(text)]);
}

fn notify(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        log::warn!("cannot tell the service manager: {error}");
    }
}
