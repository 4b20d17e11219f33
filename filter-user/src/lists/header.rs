//! The header of a generation: its summary, and what is being done to one entry.

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

/// One entry that is being changed. From the tries follows whether it has been: then `after` holds, else `before`.
#[derive(Clone, Copy, Debug)]
pub struct Intent {
    /// The entry's slot.
    pub slot: u32,
    /// Its record before; a free one if it is new.
    pub before: Record,
    /// Its record afterwards; a free one if it goes.
    pub after: Record,
    /// The summary afterwards.
    pub summary: Summary,
}

type Line = [u64; 8];

const SUMMARY: usize = 0;
const STATE: usize = 1;
const INTENT_SUMMARY: usize = 2;
const INTENT_BEFORE: usize = 3;
const INTENT_AFTER: usize = 4;
const LINES: u32 = 5;

/// Words of the line [`STATE`].
const ACTIVE: usize = 0;
const SLOT: usize = 1;
const DIRTY: usize = 2;
const DRIFT: usize = 3;

/// The map of a generation that holds its summary.
#[derive(Debug)]
pub struct Header {
    lines: Mapped<Line>,
}

impl Header {
    /// The one that lies in `lines`.
    pub fn new(lines: Mapped<Line>) -> Self {
        Self { lines }
    }

    /// The one that is pinned in `directory`.
    pub fn open(pins: &Pins, directory: &str) -> Result<Self> {
        let name = format!("{directory}/{HEADER}");
        let lines = pins.mapped(&name)?;
        if lines.len() < LINES as usize {
            return Err(unusable(&pins.join(name), "it has fewer lines").into());
        }
        Ok(Self::new(lines))
    }

    /// Makes one for a new generation and pins it in `directory`. Coverage is not made for it yet.
    pub fn create(pins: &Pins, directory: &str, summary: &Summary) -> Result<()> {
        let map: Array<MapData, Line> =
            Array::create(LINES, MMAPABLE).doing(|| "cannot make the summary of the lists".into())?;
        let header = Self::new(Mapped::of(&map)?);
        header.set_summary(summary);
        header.set_dirty(true);
        Ok(pins.pin(map, format!("{directory}/{HEADER}"))?)
    }

    /// The summary as it was before an entry that is being changed.
    pub fn summary(&self) -> Summary {
        self.line(SUMMARY)
    }

    /// Whether coverage may hold more than the list needs, or has been begun to be made for another.
    pub fn is_dirty(&self) -> bool {
        self.state()[DIRTY] != 0
    }

    /// Notes that.
    pub fn set_dirty(&self, is_dirty: bool) {
        self.set_state(DIRTY, is_dirty.into());
    }

    /// How many entries have been changed since coverage was made for the whole list.
    pub fn drift(&self) -> u64 {
        self.state()[DRIFT]
    }

    /// Notes that.
    pub fn set_drift(&self, entries: u64) {
        self.set_state(DRIFT, entries);
    }

    /// What is being done to one entry.
    pub fn intent(&self) -> Option<Intent> {
        let state = self.state();
        (state[ACTIVE] != 0).then(|| Intent {
            slot: state[SLOT] as u32,
            before: self.line(INTENT_BEFORE),
            after: self.line(INTENT_AFTER),
            summary: self.line(INTENT_SUMMARY),
        })
    }

    /// Notes what will be done to one entry.
    pub fn begin(&self, intent: &Intent) {
        self.set_line(INTENT_BEFORE, &intent.before);
        self.set_line(INTENT_AFTER, &intent.after);
        self.set_line(INTENT_SUMMARY, &intent.summary);
        self.set_state(SLOT, intent.slot.into());
        // The last: what stands there is complete.
        self.set_state(ACTIVE, 1);
    }

    /// Notes that nothing is being done any more.
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

    fn line<T: aya::Pod + Default>(&self, number: usize) -> T {
        const { assert!(size_of::<T>() == size_of::<Line>()) };
        let line = self.lines.get(number).unwrap_or_default();
        // SAFETY: as long as each other, and any bytes are a valid value of a `Pod`.
        unsafe { std::mem::transmute_copy(&line) }
    }

    fn set_line<T: aya::Pod>(&self, number: usize, value: &T) {
        const { assert!(size_of::<T>() == size_of::<Line>()) };
        // SAFETY: as long as each other, and both are plain bytes without padding.
        self.lines
            .set(number, &unsafe { std::mem::transmute_copy(value) });
    }
}
