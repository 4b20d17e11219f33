//! Health for load balancers and people: what is wrong, a line each.

use super::pages::State;
use crate::agent::report::Report;

/// Everything that is wrong. `filter` is none if the filter is not up.
pub fn complaints(filter: Result<Option<State>, String>, report: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    match filter {
        Ok(Some(State { filters, enforces })) => {
            if !filters {
                complaints.push("the filter is on no interface".to_owned());
            }
            if report.config_enforces && !enforces {
                complaints.push(
                    "nothing is dropped: the filter observes, although the configuration says enforce (set by hand: \
                     systemctl reload synwall; or a source has no list yet: synwall source list)"
                        .to_owned(),
                );
            }
        }
        Ok(None) => complaints.push("the filter is not up".to_owned()),
        Err(error) => complaints.push(format!("the filter cannot be read: {error}")),
    }
    let unprotected = &report.unprotected;
    complaints.extend(
        unprotected
            .iter()
            .map(|(name, reason)| format!("{name} is not protected: {reason}")),
    );
    if let Some(error) = &report.config.error {
        complaints.push(format!("the configuration was refused: {error}"));
    }
    if let Some(error) = &report.applied.error {
        complaints.push(format!("the last change failed: {error}"));
    }
    // An error of several lines stays one complaint.
    complaints
        .iter()
        .map(|complaint| complaint.replace(['\n', '\r'], " "))
        .collect()
}
