//! The header of a generation. It has the numbers of entries, and a note of the change of one entry that is in
//! progress.

use aya::maps::{Array, MapData};

use super::{error::Result, record::Record, summary::Summary};
use crate::{
    pins::{
        directory::{Pins, unusable},
        names::HEADER,
    },
    sys::{
        bpf::mapped::{MMAPABLE, Mapped},
        error::Doing as _,
    },
};

/// A change of one entry, noted in the header before it is made. If the command is killed, the tries show whether
/// the change was made. If so, `after` is true, else `before`.
#[derive(Clone, Copy, Debug)]
pub struct Intent {
    /// The slot of the entry.
    pub slot: u32,
    /// The record before the change. It is a free record if the entry is new.
    pub before: Record,
    /// The record after the change. It is a free record if the entry is removed.
    pub after: Record,
    /// The summary after the change.
    pub summary: Summary,
}

type Line = [u64; 8];

const SUMMARY: usize = 0;
const STATE: usize = 1;
const INTENT_SUMMARY: usize = 2;
const INTENT_BEFORE: usize = 3;
const INTENT_AFTER: usize = 4;
const LINES: u32 = 5;

/// Positions of the words in line [`STATE`].
const ACTIVE: usize = 0;
const SLOT: usize = 1;
const DIRTY: usize = 2;
const DRIFT: usize = 3;

/// The pinned map that holds the header, mapped into memory.
#[derive(Debug)]
pub struct Header {
    lines: Mapped<Line>,
}

impl Header {
    /// Takes the header from a map that is already open.
    pub fn new(lines: Mapped<Line>) -> Self {
        Self { lines }
    }

    /// Opens the header that is pinned in the directory of a generation.
    ///
    /// # Errors
    ///
    /// Fails if the map is missing, or is too small for a header.
    pub fn open(pins: &Pins, directory: &str) -> Result<Self> {
        let name = format!("{directory}/{HEADER}");
        let lines = pins.mapped(&name)?;
        if lines.len() < LINES as usize {
            return Err(unusable(&pins.join(name), "it has fewer lines").into());
        }
        Ok(Self::new(lines))
    }

    /// Creates the header of a new generation and pins it in `directory`. It starts dirty, because coverage was
    /// not made for this generation yet.
    pub fn create(pins: &Pins, directory: &str, summary: &Summary) -> Result<()> {
        let map: Array<MapData, Line> =
            Array::create(LINES, MMAPABLE).doing(|| "cannot make the summary of the lists".into())?;
        let header = Self::new(Mapped::of(&map)?);
        header.set_summary(summary);
        header.set_dirty(true);
        Ok(pins.pin(map, format!("{directory}/{HEADER}"))?)
    }

    /// The summary of the generation. It does not include a change that is still in progress.
    pub fn summary(&self) -> Summary {
        self.line(SUMMARY)
    }

    /// Whether coverage may have bits that this list does not need. It is also set while coverage is being made
    /// for the next generation.
    pub fn is_dirty(&self) -> bool {
        self.state()[DIRTY] != 0
    }

    /// Sets whether coverage may have bits that this list does not need, see [`is_dirty`](Self::is_dirty).
    pub fn set_dirty(&self, is_dirty: bool) {
        self.set_state(DIRTY, is_dirty.into());
    }

    /// How many entries have changed since coverage was last made exact.
    pub fn drift(&self) -> u64 {
        self.state()[DRIFT]
    }

    /// Sets how many entries have changed since coverage was last made exact.
    pub fn set_drift(&self, entries: u64) {
        self.set_state(DRIFT, entries);
    }

    /// The change of one entry that is in progress. In an opened list it is a change that a killed command did not
    /// finish.
    pub fn intent(&self) -> Option<Intent> {
        let state = self.state();
        (state[ACTIVE] != 0).then(|| Intent {
            slot: state[SLOT] as u32,
            before: self.line(INTENT_BEFORE),
            after: self.line(INTENT_AFTER),
            summary: self.line(INTENT_SUMMARY),
        })
    }

    /// Notes the change of one entry, before it is made.
    pub fn begin(&self, intent: &Intent) {
        self.set_line(INTENT_BEFORE, &intent.before);
        self.set_line(INTENT_AFTER, &intent.after);
        self.set_line(INTENT_SUMMARY, &intent.summary);
        self.set_state(SLOT, intent.slot.into());
        // Set the flag last: a reader that sees it finds the whole note.
        self.set_state(ACTIVE, 1);
    }

    /// Clears the note, after the change is written down.
    pub fn end(&self) {
        self.set_state(ACTIVE, 0);
    }

    /// Writes the summary.
    pub fn set_summary(&self, summary: &Summary) {
        self.set_line(SUMMARY, summary);
    }

    fn state(&self) -> Line {
        self.lines.get(STATE).unwrap_or_default()
    }

    fn set_state(&self, word: usize, value: u64) {
        let words = self.lines.words();
        words[STATE * 8 + word].store(value, std::sync::atomic::Ordering::SeqCst);
    }

    fn line<T: bytemuck::Pod>(&self, number: usize) -> T {
        bytemuck::must_cast(self.lines.get(number).unwrap_or_default())
    }

    fn set_line<T: bytemuck::Pod>(&self, number: usize, value: &T) {
        self.lines.set(number, &bytemuck::must_cast(*value));
    }
}
