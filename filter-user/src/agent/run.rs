//! The agent as a process: its runtime, its sources of events, and the event loop.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::{
    controller::{Controller, Options},
    error::Result,
    event::{Event, Fetched},
    service,
};
use crate::sys::{error::Doing as _, link_events::Changes};

/// The resync period: between two looks at everything without any event.
const RESYNC: Duration = Duration::from_secs(30);

/// Several files seldom change at one instant: changes within this time are handled together.
const DEBOUNCE: Duration = Duration::from_millis(150);

/// Runs until a signal ends it.
pub fn run(options: Options) -> Result<()> {
    let (events, received) = channel();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("synwall-agent")
        .enable_all()
        .build()
        .doing(|| "cannot start the agent's threads".into())?;
    // Listen first, so that no event is missed while the controller starts.
    listen(&runtime, &events)?;
    let mut controller = Controller::start(options, runtime.handle().clone(), events)?;
    service::ready();
    run_events(&mut controller, &received);
    service::stopping();
    let stopped = controller.stop();
    // A fetch that hangs must not delay the end.
    runtime.shutdown_background();
    stopped
}

/// The events of one round. A resync takes its time, so several changes share one.
#[derive(Debug, Default)]
struct Batch {
    stop: bool,
    reload: bool,
    /// Files or interfaces may have changed.
    changes: bool,
    fetched: Vec<Fetched>,
}

impl Batch {
    fn of(events: impl Iterator<Item = Event>) -> Self {
        let mut batch = Self::default();
        for event in events {
            match event {
                Event::Stop => batch.stop = true,
                Event::Reload => batch.reload = true,
                Event::Files | Event::Interfaces => batch.changes = true,
                Event::Fetched(fetched) => batch.fetched.push(fetched),
            }
        }
        batch
    }
}

/// Handles events until [`Event::Stop`].
fn run_events(controller: &mut Controller, received: &Receiver<Event>) {
    let pulse = service::watchdog().map_or(RESYNC, |limit| limit / 3).min(RESYNC);
    let mut resync = Instant::now() + RESYNC;
    let mut debounced: Option<Instant> = None;
    loop {
        service::alive();
        let now = Instant::now();
        let next = [Some(resync), debounced, controller.wake_at()]
            .into_iter()
            .flatten()
            .min();
        let wait = next
            .map_or(pulse, |next| next.saturating_duration_since(now))
            .min(pulse);
        let batch = match received.recv_timeout(wait) {
            Ok(event) => Batch::of(std::iter::once(event).chain(received.try_iter())),
            Err(RecvTimeoutError::Timeout) => Batch::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if batch.stop {
            return;
        }
        if !batch.fetched.is_empty() {
            controller.fetched(batch.fetched);
        }
        if batch.reload {
            service::reloading();
            controller.reload();
            service::ready();
        }
        if batch.changes {
            debounced.get_or_insert_with(|| Instant::now() + DEBOUNCE);
        }
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(debounced) || is_due(Some(resync)) || is_due(controller.wake_at()) {
            if is_due(Some(resync)) {
                resync = now + RESYNC;
            }
            debounced = None;
            controller.resync();
        }
    }
}

/// Turns signals and changes of interfaces into events.
fn listen(runtime: &Runtime, events: &Sender<Event>) -> Result<()> {
    let _inside = runtime.enter();
    for (kind, event) in [
        (SignalKind::hangup(), (|| Event::Reload) as fn() -> Event),
        (SignalKind::terminate(), || Event::Stop),
        (SignalKind::interrupt(), || Event::Stop),
    ] {
        let mut signals = signal(kind).doing(|| "cannot listen for signals".into())?;
        let events = events.clone();
        runtime.spawn(async move { while signals.recv().await.is_some() && events.send(event()).is_ok() {} });
    }
    let mut changes = Changes::new()?;
    let events = events.clone();
    runtime.spawn(async move {
        loop {
            if let Err(error) = changes.next().await {
                // The resync finds the changes, too.
                log::error!(
                    "{error}; interfaces are looked at every {} s from now on",
                    RESYNC.as_secs()
                );
                return;
            }
            if events.send(Event::Interfaces).is_err() {
                return;
            }
        }
    });
    Ok(())
}
