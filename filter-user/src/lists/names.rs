//! Labels and origins: texts that many entries share. Each is stored once, and records refer to it by number.

use std::{collections::HashMap, hash::Hash};

use aya::maps::{Array, MapData};

use super::error::Result;
use crate::{
    model::entry::{Label, MAX_LABEL_BYTES, MAX_ORIGIN_BYTES, Origin},
    pins::directory::Pins,
    sys::{
        bpf::mapped::{MMAPABLE, Mapped},
        error::Doing as _,
    },
    text::{padded, unpadded},
};

/// Bytes of a label in its map, padded with NULs.
pub const LABEL: usize = MAX_LABEL_BYTES + 1;
/// Bytes of an origin in its map, padded with NULs.
pub const ORIGIN: usize = MAX_ORIGIN_BYTES + 1;

/// A text that entries share: a label or an origin.
pub trait Name: Clone + Eq + Hash {
    /// The text as users see it.
    fn text(&self) -> &str;
    /// Makes a name from its stored text. `None` if the text is not a valid name.
    fn from_text(text: &str) -> Option<Self>;
}

impl Name for Label {
    fn text(&self) -> &str {
        self.as_str()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

impl Name for Origin {
    fn text(&self) -> &str {
        self.as_str()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

/// Numbers names in the order in which they first appear, for a new generation.
#[derive(Debug)]
pub struct Numbered<N> {
    numbers: HashMap<N, u32>,
    names: Vec<N>,
    last: Option<(N, u32)>,
}

impl<N> Default for Numbered<N> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            names: Vec::new(),
            last: None,
        }
    }
}

impl<N: Name> Numbered<N> {
    /// The number of a name; a new name gets the next number. The last name is remembered, because neighbours in a
    /// list mostly share their names.
    pub fn number(&mut self, name: &N) -> u32 {
        if let Some((_, number)) = self.last.as_ref().filter(|(last, _)| last == name) {
            return *number;
        }
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        if number == next {
            self.names.push(name.clone());
        }
        self.last = Some((name.clone(), number));
        number
    }

    /// How many different names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Creates a map with these names and room for `spare` more, and pins it as `pin`.
    pub fn store<const BYTES: usize>(&self, pins: &Pins, pin: String, spare: usize) -> Result<()> {
        let room = u32::try_from(self.len() + spare).unwrap_or(u32::MAX);
        let map: Array<MapData, [u8; BYTES]> =
            Array::create(room, MMAPABLE).doing(|| "cannot make the map of labels or origins".into())?;
        let names: Names<BYTES> = Names::new(Mapped::of(&map)?);
        for (number, name) in (0..).zip(&self.names) {
            names.set(number, name);
        }
        Ok(pins.pin(map, pin)?)
    }
}

/// A name that is not stored yet, with the number that it will get.
#[derive(Clone, Debug)]
pub struct NewName<N> {
    number: u32,
    name: N,
}

/// The names of a generation, in their pinned map.
#[derive(Debug)]
pub struct Names<const BYTES: usize> {
    map: Mapped<[u8; BYTES]>,
}

/// A new name is compared only with this many of the last names. If it is an older one, it is stored twice, which
/// does no harm.
const COMPARED: u32 = 4096;

impl<const BYTES: usize> Names<BYTES> {
    /// Opens the names that are pinned as `pin`.
    pub fn open(pins: &Pins, pin: &str) -> Result<Self> {
        Ok(Self::new(pins.mapped(pin)?))
    }

    /// Takes the names from a map that is already open.
    pub fn new(map: Mapped<[u8; BYTES]>) -> Self {
        Self { map }
    }

    /// The name with this number. `None` if the map has no such place, or if the text is not a valid name.
    pub fn get<N: Name>(&self, number: u32) -> Option<N> {
        let bytes = self.map.get(number as usize)?;
        N::from_text(&unpadded(&bytes))
    }

    /// Looks for a name among the first `len` names and returns its number. A new name gets the next number and
    /// raises `len`. It is returned too; store it with [`Self::add`]. Returns `None` if there is no room for a new
    /// name.
    pub fn number<N: Name>(&self, name: &N, len: &mut u32) -> Option<(u32, Option<NewName<N>>)> {
        let wanted = padded::<BYTES>(name.text());
        let same = |number: &u32| self.map.get(*number as usize) == Some(wanted);
        if let Some(number) = (len.saturating_sub(COMPARED)..*len).rev().find(same) {
            return Some((number, None));
        }
        let number = *len;
        let has_room = (number as usize) < self.map.len();
        has_room.then(|| {
            *len += 1;
            let name = name.clone();
            (number, Some(NewName { number, name }))
        })
    }

    /// Stores a new name, if there is one.
    pub fn add<N: Name>(&self, new: Option<&NewName<N>>) {
        if let Some(NewName { number, name }) = new {
            self.set(*number, name);
        }
    }

    fn set(&self, number: u32, name: &impl Name) {
        self.map.set(number as usize, &padded(name.text()));
    }
}
