//! Starts and stops the metrics server as the configuration says.

use std::path::Path;

use tokio::{net::TcpListener, runtime::Handle, sync::watch, task::JoinHandle};

use super::{metrics::server, report::Report};
use crate::config::contents::Metrics;

/// The metrics server, if one runs.
pub struct MetricsServer {
    runtime: Handle,
    running: Option<(Metrics, JoinHandle<()>)>,
    /// Why the last attempt to listen failed.
    refused: Option<String>,
}

impl MetricsServer {
    /// Does not serve yet.
    pub fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            running: None,
            refused: None,
        }
    }

    /// Serves as `desired` says from now on. A failure is logged once, and each call tries again: the filter does not depend on
    /// metrics.
    pub fn reconfigure(&mut self, desired: Option<&Metrics>, pin_dir: &Path, report: &watch::Sender<Report>) {
        if self.running.as_ref().map(|(metrics, _)| metrics) == desired {
            return;
        }
        if let Some((_, task)) = self.running.take() {
            task.abort();
            // The next server may need the same port: wait until the socket is closed.
            let _ = self.runtime.block_on(task);
        }
        let Some(metrics) = desired else {
            return;
        };
        match self.runtime.block_on(TcpListener::bind(metrics.listen)) {
            Ok(listener) => {
                let served = server::serve(listener, pin_dir.to_owned(), report.subscribe(), metrics.clone());
                self.running = Some((metrics.clone(), self.runtime.spawn(served)));
                log::info!("metrics: http://{}/metrics", metrics.listen);
                self.refused = None;
            }
            Err(error) => {
                let refused = format!(
                    "cannot serve metrics on {}: {error}; it is tried again, or choose another address ([metrics] listen)",
                    metrics.listen
                );
                if self.refused.as_ref() != Some(&refused) {
                    log::error!("{refused}");
                    self.refused = Some(refused);
                }
            }
        }
    }
}
