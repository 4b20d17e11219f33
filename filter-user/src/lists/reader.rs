//! Turns the records of a table into entries, with the labels and origins that they share.

use std::{collections::HashMap, num::NonZeroU64};

use super::{
    error::Result,
    names::{LABEL, Names, ORIGIN},
    record::Record,
};
use crate::{
    model::entry::{Entry, Label, Origin},
    pins::{
        directory::Pins,
        names::{LABELS, ORIGINS},
    },
};

/// Turns records into entries. It remembers labels and origins, because many entries share them.
pub struct Reader {
    labels: Names<LABEL>,
    origins: Names<ORIGIN>,
    known_labels: HashMap<u32, Label>,
    known_origins: HashMap<u32, Origin>,
}

impl Reader {
    /// Uses these maps of labels and origins. They must belong to the same generation as the records.
    pub fn new(labels: Names<LABEL>, origins: Names<ORIGIN>) -> Self {
        Self {
            labels,
            origins,
            known_labels: HashMap::from([(0, Label::default())]),
            known_origins: HashMap::new(),
        }
    }

    pub(super) fn open(pins: &Pins, directory: &str) -> Result<Self> {
        Ok(Self::new(
            Names::open(pins, &format!("{directory}/{LABELS}"))?,
            Names::open(pins, &format!("{directory}/{ORIGINS}"))?,
        ))
    }

    /// The entry that a record in `slot` describes. `None` if the record is free, or if this version cannot
    /// understand it.
    pub fn entry(&mut self, slot: u32, record: &Record) -> Option<Entry> {
        let (prefix, action) = (record.prefix()?, record.action()?);
        let label = match self.known_labels.get(&record.label) {
            Some(label) => label.clone(),
            None => {
                let label: Label = self.labels.get(record.label - 1)?;
                self.known_labels.insert(record.label, label.clone());
                label
            }
        };
        let number = u32::from(record.origin);
        let origin = match self.known_origins.get(&number) {
            Some(origin) => origin.clone(),
            None => {
                let origin: Origin = self.origins.get(number)?;
                self.known_origins.insert(number, origin.clone());
                origin
            }
        };
        Some(Entry {
            prefix,
            action,
            label,
            origin,
            expires_ns: NonZeroU64::new(record.expires_ns),
            saved: record.is_saved(),
            slot: Some(slot),
        })
    }
}
