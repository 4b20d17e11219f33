//! Serves metrics where the configuration says, and there only.

use std::path::Path;

use tokio::{net::TcpListener, runtime::Handle, sync::watch, task::JoinHandle};

use super::{metrics::server, report::Report};
use crate::config::contents::Metrics;

/// The server of metrics, if there is one.
pub struct MetricsServer {
    runtime: Handle,
    running: Option<(Metrics, JoinHandle<()>)>,
    /// Why it could not serve when that was last tried.
    refused: Option<String>,
}

impl MetricsServer {
    /// Serves nothing yet.
    pub fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            running: None,
            refused: None,
        }
    }

    /// Serves as `wanted` says from now on. Where that cannot be, it is said once, and may be tried again and again: the filter
    /// does not depend on it.
    pub fn reconfigure(&mut self, wanted: Option<&Metrics>, pin_dir: &Path, report: &watch::Sender<Report>) {
        if self.running.as_ref().map(|(metrics, _)| metrics) == wanted {
            return;
        }
        if let Some((_, task)) = self.running.take() {
            task.abort();
            // Its socket is closed when it has ended.
            let _ = self.runtime.block_on(task);
        }
        let Some(metrics) = wanted else {
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
