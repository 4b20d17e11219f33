//! Decides what a pin directory holds: a filter, half a filter, a filter of another version, or something else.
//! Also removes a filter.

use std::{fs, io};

use aya::{
    maps::{Array, MapData},
    programs::links::PinnedLink,
};
use bytemuck::{Pod, Zeroable};
use filter_common::LAYOUT_VERSION;

use super::{
    directory::Pins,
    error::{Error, Result},
    names::{AGENT, INTERFACE, LAYOUT, is_ours},
};
use crate::{sys::error::Doing as _, text::shown};

/// "synwall\0" as a number. It shows that the map is ours.
const MAGIC: u64 = u64::from_le_bytes(*b"synwall\0");

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct LayoutRecord {
    magic: u64,
    version: u32,
    /// 0 until the filter is attached for the first time, then 1.
    attached: u32,
}

filter_common::map_values!(LayoutRecord);

/// What a pin directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or half a filter that a killed command left.
    Unfinished,
    /// A whole filter.
    Filter,
}

impl Pins {
    /// What the directory holds.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::ForeignPins`] if something else is in it, and with [`Error::OtherLayout`] if another
    /// version pinned the filter.
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

    /// Pins the layout, which says that a new filter has its settings and lists and can be attached.
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

    /// Notes that the filter has been attached. From now on it counts as a filter, even if it is on no interface.
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

    /// Removes the half filter that a killed command left. The lock of the agent stays.
    pub(crate) fn clear(&self) -> Result<()> {
        let mut names = self.names()?;
        // If an agent is setting up the filter, it holds the lock on this directory.
        names.retain(|name| name != AGENT);
        self.remove_all(names, false)
    }

    /// Removes the filter and its directory. A filter of another version is removed too.
    ///
    /// # Errors
    ///
    /// Fails if something else is in the directory. Nothing was removed then.
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
            // The directory is a mount point of the BPF file system, so it stays.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(()),
            removed => Ok(removed.doing(|| format!("cannot remove {}", self.path().display()))?),
        }
    }

    fn remove_all(&self, mut names: Vec<String>, is_other_version: bool) -> Result<()> {
        // Remove interfaces first, so that no program filters with half of its maps. Then remove the layout: if
        // the command is killed after that, the rest counts as nothing. For another version, remove the layout
        // last. We do not know all names of that version, so only the layout shows that the directory is ours.
        let layout = if is_other_version { 2 } else { 0 };
        names.sort_by_key(|name| {
            let rest = if name == LAYOUT { layout } else { 1 };
            (!name.starts_with(INTERFACE), rest)
        });
        // The kernel detaches a program when the last reference to its link goes. After the removal of a pin it
        // does so later, in a worker. Closing a descriptor takes effect at once, so we hold one until the pins are
        // gone.
        let links: Vec<_> = names
            .iter()
            .map(|name| PinnedLink::from_pin(self.link(name)))
            .collect();
        names.iter().try_for_each(|name| self.remove_entry(name))?;
        drop(links);
        Ok(())
    }

    fn remove_entry(&self, name: &str) -> Result<()> {
        // Remove the link first. Without a link, the rest of the directory counts as left over.
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
