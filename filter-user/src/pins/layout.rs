//! What lies in a pin directory: a filter, half of one, another version's, or something that is not ours to
//! touch; and how it is taken away.

use std::{fs, io};

use aya::{
    maps::{Array, MapData},
    programs::links::PinnedLink,
};
use filter_common::LAYOUT_VERSION;

use super::{
    directory::Pins,
    error::{Error, Result},
    names::{AGENT, INTERFACE, LAYOUT, is_ours},
};
use crate::{sys::error::Doing as _, text::shown};

/// "synwall\0" as a number, so that a map of somebody else is not taken for ours.
const MAGIC: u64 = u64::from_le_bytes(*b"synwall\0");

#[repr(C)]
#[derive(Clone, Copy)]
struct LayoutRecord {
    magic: u64,
    version: u32,
    /// 0 until the filter has been attached for the first time.
    attached: u32,
}

// SAFETY: `#[repr(C)]`, three integers without padding.
unsafe impl aya::Pod for LayoutRecord {}

/// What lies in a pin directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or half a filter whose command was killed.
    Unfinished,
    /// A filter.
    Filter,
}

impl Pins {
    /// What lies in the directory, if it is ours.
    pub fn content(&self) -> Result<Content> {
        let found = self.names()?;
        if !found.iter().any(|name| name == LAYOUT) {
            return match found.iter().find(|name| !is_ours(name)) {
                None => Ok(Content::Unfinished),
                Some(name) => Err(self.foreign(format!("'{}' lies there", shown(name)))),
            };
        }
        let layout = self.layout().ok().filter(|layout| layout.magic == MAGIC);
        match layout {
            None => Err(self.foreign(format!("its '{LAYOUT}' is another one"))),
            Some(layout) if layout.version != LAYOUT_VERSION => Err(Error::OtherLayout {
                path: self.path().to_owned(),
                what: format!("layout {}, this version has {LAYOUT_VERSION}", layout.version),
            }),
            Some(layout) if layout.attached != 0 || !self.linked_interfaces()?.is_empty() => {
                Ok(Content::Filter)
            }
            Some(_) => Ok(Content::Unfinished),
        }
    }

    fn layout(&self) -> Result<LayoutRecord> {
        let map: Array<MapData, LayoutRecord> = self.map(LAYOUT)?;
        Ok(map.get(&0, 0).doing(|| "cannot read the layout".into())?)
    }

    /// Says that everything is there, and only to be attached.
    pub fn complete(&self) -> Result<()> {
        let mut map = Array::create(1, 0).doing(|| "cannot make the layout map".into())?;
        let layout = LayoutRecord {
            magic: MAGIC,
            version: LAYOUT_VERSION,
            attached: 0,
        };
        map.set(0, layout, 0).doing(|| "cannot write the layout".into())?;
        self.pin(map, LAYOUT)
    }

    /// Says that the filter has been attached: from now on it is one also while it is on no interface.
    pub(crate) fn mark_attached(&self) -> Result<()> {
        let layout = self.layout()?;
        if layout.attached != 0 {
            return Ok(());
        }
        let mut map: Array<MapData, LayoutRecord> = self.map(LAYOUT)?;
        Ok(map
            .set(
                0,
                LayoutRecord {
                    attached: 1,
                    ..layout
                },
                0,
            )
            .doing(|| "cannot write the layout".into())?)
    }

    /// Removes what a killed command left of a filter that it was setting up or taking down.
    pub(crate) fn clear(&self) -> Result<()> {
        let mut names = self.names()?;
        // Whose agent sets the filter up has it locked.
        names.retain(|name| name != AGENT);
        self.remove_all(names, false)
    }

    /// Removes what this library pins, of whatever version, and the directory with it.
    pub fn remove(self) -> Result<()> {
        let is_other = match self.content() {
            Ok(_) => false,
            Err(Error::OtherLayout { .. }) => true,
            Err(error) => return Err(error),
        };
        let names = self.names()?;
        if !is_other && let Some(name) = names.iter().find(|name| !is_ours(name)) {
            return Err(self.foreign(format!("'{}' lies there", shown(name))));
        }
        self.remove_all(names, is_other)?;
        match fs::remove_dir(self.path()) {
            // Somebody mounted the BPF file system just here.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(()),
            removed => Ok(removed.doing(|| format!("cannot remove {}", self.path().display()))?),
        }
    }

    fn remove_all(&self, mut names: Vec<String>, is_other_version: bool) -> Result<()> {
        // Interfaces first: nothing may filter with half of its maps gone. Then the layout, so that what is
        // left if this is killed counts as unfinished. Of another version we do not know all the names: its
        // layout is what makes the directory ours until the end.
        let layout = if is_other_version { 2 } else { 0 };
        names.sort_by_key(|name| {
            let rest = if name == LAYOUT { layout } else { 1 };
            (!name.starts_with(INTERFACE), rest)
        });
        // The kernel detaches when the last reference goes: after a pin's alone it would do so later, in a
        // worker; closing a descriptor takes effect at once.
        let links: Vec<_> = names
            .iter()
            .map(|name| PinnedLink::from_pin(self.link(name)))
            .collect();
        names.iter().try_for_each(|name| self.remove_entry(name))?;
        drop(links);
        Ok(())
    }

    fn remove_entry(&self, name: &str) -> Result<()> {
        // The link first: without it, what is left of an interface is known to be left over.
        let _ = fs::remove_file(self.link(name));
        self.remove_directory(name)
    }

    fn foreign(&self, what: String) -> Error {
        Error::ForeignPins {
            path: self.path().to_owned(),
            what,
        }
    }
}
