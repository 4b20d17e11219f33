//! The controller: follows each event from the inputs to the filter and to what is published.

use std::{path::PathBuf, sync::mpsc::Sender, time::Instant};

use tokio::runtime::Handle;

use super::{
    error::Result,
    event::{Event, Fetched},
    fetch::Fetcher,
    file_watcher::FileWatcher,
    inputs::{Changed, Inputs},
    kernel::Kernel,
    metrics_server::MetricsServer,
    publisher::Publisher,
    reconciler::Reconciler,
};
use crate::{model::rules::Rules, sys::signature::Reading};

/// The options of the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration file.
    pub config: PathBuf,
    /// The directory in which the filter is pinned.
    pub pin_dir: PathBuf,
    /// The directory for last good copies.
    pub state_dir: PathBuf,
}

/// The agent, without its event loop.
pub struct Controller {
    options: Options,
    inputs: Inputs,
    /// The desired lists, merged from the inputs.
    rules: Rules,
    reconciler: Reconciler,
    fetcher: Fetcher,
    watcher: FileWatcher,
    metrics: MetricsServer,
    publisher: Publisher,
}

impl Controller {
    /// Reads the inputs and applies them. Fails where waiting cannot help: an unusable configuration, missing privileges, or
    /// another agent.
    pub fn start(options: Options, runtime: Handle, events: Sender<Event>) -> Result<Self> {
        let mut inputs = Inputs::read(&options.config, &options.state_dir)?;
        let kernel = Kernel::claim(options.pin_dir.clone())?;
        let changed = events.clone();
        let watcher = FileWatcher::new(move || {
            // The channel is closed only when the agent ends.
            let _ = changed.send(Event::Files);
        });
        let mut controller = Self {
            rules: inputs.desired_rules(),
            inputs,
            reconciler: Reconciler::new(kernel),
            fetcher: Fetcher::new(runtime.clone(), events),
            watcher,
            metrics: MetricsServer::new(runtime),
            publisher: Publisher::default(),
            options,
        };
        if let Some(previous) = controller.inputs.previous.take() {
            // The agent that ran before this one may have attached to interfaces that are no longer desired.
            controller
                .reconciler
                .detach_dropped(&previous, &controller.inputs.config);
        }
        controller.reconciler.request(&controller.inputs.config);
        controller.follow_feeds();
        controller.reconcile();
        Ok(controller)
    }

    /// When to reconcile without an event.
    pub const fn wake_at(&self) -> Option<Instant> {
        self.reconciler.wake_at()
    }

    /// Reads the inputs again and applies everything, whether it has changed or not.
    pub fn reload(&mut self) {
        log::info!("reloading {}", self.options.config.display());
        self.refresh_inputs(Reading::AtOnce);
        if self.inputs.config_read.error.is_none() {
            self.reconciler.request(&self.inputs.config);
        } else {
            self.reconciler.select_interfaces(&self.inputs.config);
        }
        self.reconciler.state().retry_now();
        self.reconcile();
    }

    /// Looks for changes of inputs and interfaces, and applies them.
    pub fn resync(&mut self) {
        self.refresh_inputs(Reading::WhenQuiet);
        self.reconciler.select_interfaces(&self.inputs.config);
        self.reconciler.recheck_conflicts();
        self.reconcile();
    }

    /// Records how fetches went, and applies the lists that they brought.
    pub fn fetched(&mut self, fetched: Vec<Fetched>) {
        for fetched in fetched {
            self.fetcher.record(fetched);
        }
        self.resync();
    }

    /// Leaves the filter as the configuration wants it when the agent ends.
    pub fn stop(self) -> Result<()> {
        self.reconciler.stop(self.inputs.config.on_stop)
    }

    fn refresh_inputs(&mut self, reading: Reading) {
        let before = self.inputs.config.clone();
        let changed = self.inputs.refresh(reading);
        if changed == Changed::default() {
            return;
        }
        self.rules = self.inputs.desired_rules();
        self.reconciler.state().inputs_changed();
        if changed.config {
            if self.inputs.config.text != before.text {
                log::info!("the configuration has changed");
            }
            self.reconciler.config_changed(&before, &self.inputs.config);
        }
        self.follow_feeds();
    }

    fn follow_feeds(&mut self) {
        let feeds = &self.inputs.feeds;
        self.fetcher
            .set_feeds(&self.inputs.config.feeds, feeds.store(), |name| {
                feeds.feed(name)?.1
            });
    }

    fn reconcile(&mut self) {
        self.watcher.watch(&self.inputs.directories());
        self.metrics.reconfigure(
            self.inputs.config.metrics.as_ref(),
            &self.options.pin_dir,
            self.publisher.reports(),
        );
        self.reconciler.reconcile(&self.inputs, &self.rules);
        self.publisher
            .publish(&self.inputs, &self.fetcher, &self.reconciler, self.rules.len());
        if self.reconciler.applied().error.is_none() {
            let are_interfaces_dropped = self.reconciler.pending().detach.is_empty();
            self.inputs.keep_copies(are_interfaces_dropped);
        }
    }
}
