//! The program on an interface: one directory of pins for each, with its link, its counters and what is
//! remembered about it.

use std::{fs, io};

use aya::{
    maps::{Array, MapData},
    programs::{
        ProgramError,
        links::{FdLink, PinnedLink},
        xdp::XdpLink,
    },
};
use filter_common::{INTERFACE_NAME_BYTES, InterfaceRecord};
use nix::errno::Errno;

use super::{
    error::Result,
    program::{Entry, Program, Specialisation},
    totals::Totals,
};
use crate::{
    model::mode::Mode,
    pins::{
        directory::Pins,
        names::{INTERFACE_COUNTS, INTERFACE_RECORD},
    },
    sys::{
        bpf::link,
        error::Doing as _,
        netlink::{self, Interface},
    },
    text::{padded, shown, unpadded},
};

/// An interface that the filter is on, or was on when it was last seen.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The directory of its pins.
    pub(crate) directory: String,
    /// What is remembered about it.
    pub record: InterfaceRecord,
    /// The program that its link has.
    pub program_id: u32,
    /// Where it stands.
    pub state: State,
}

/// Where an attachment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The program runs.
    Attached,
    /// The interface is no longer there.
    Gone,
    /// The interface is in another network namespace, where this process cannot look.
    Elsewhere,
}

impl Attachment {
    /// Every attachment in `pins`.
    pub fn all(pins: &Pins) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = pins
            .linked_interfaces()?
            .into_iter()
            .map(|directory| Self::read(pins, directory))
            .collect::<Result<_>>()?;
        all.sort_by_key(|attachment| attachment.record.name);
        Ok(all)
    }

    fn read(pins: &Pins, directory: String) -> Result<Self> {
        let record: Array<MapData, InterfaceRecord> = pins.map(format!("{directory}/{INTERFACE_RECORD}"))?;
        let mut record = record
            .get(&0, 0)
            .doing(|| format!("cannot read the record of {directory}"))?;
        let what = || format!("cannot read the link of {directory}");
        let held = FdLink::from(PinnedLink::from_pin(pins.link(&directory)).doing(what)?);
        let info = held.info().doing(what)?;
        let program_id = info.program_id();
        let runs = |interface: &Interface| interface.xdp.iter().any(|xdp| xdp.id == program_id);
        let state = match link::ifindex(info.id()).doing(what)? {
            0 => State::Gone,
            _ if record.netns != netlink::netns()? => State::Elsewhere,
            ifindex => match netlink::by_index(ifindex)?.filter(runs) {
                Some(interface) => {
                    // It may have been renamed.
                    record.name = padded(&interface.name);
                    State::Attached
                }
                // It was moved to another namespace after it was attached.
                None => State::Elsewhere,
            },
        };
        Ok(Self {
            directory,
            record,
            program_id,
            state,
        })
    }

    /// The interface's name, or the last one that was seen, fit for a terminal.
    pub fn name(&self) -> String {
        name_of(&self.record)
    }

    /// Whether that is the interface's name.
    pub fn is_called(&self, name: &str) -> bool {
        name.len() < INTERFACE_NAME_BYTES && padded(name) == self.record.name
    }

    /// Where the program runs.
    pub fn mode(&self) -> Mode {
        if self.record.mode == 1 {
            Mode::Native
        } else {
            Mode::Generic
        }
    }

    /// Whether filtering ends by itself, or has, unless it is confirmed.
    pub fn awaits_confirmation(&self) -> bool {
        self.record.confirm_by_ns != 0
    }

    /// Whether it passes everything because nobody confirmed it.
    pub fn is_overdue(&self, now_ns: u64) -> bool {
        self.awaits_confirmation() && self.record.confirm_by_ns <= now_ns
    }

    /// What it counted.
    pub fn totals(&self, pins: &Pins) -> Result<Totals> {
        Totals::read(&pins.map(format!("{}/{INTERFACE_COUNTS}", self.directory))?)
    }

    /// Has a program verified for this interface, if the one that runs is not specialised as `wanted`.
    pub fn prepare(&self, pins: &Pins, wanted: &Specialisation) -> Result<Option<Replacement>> {
        let hash = wanted.hash();
        // One that is gone is attached anew, with the right program, if it returns.
        if self.record.program_hash == hash || self.state == State::Gone {
            return Ok(None);
        }
        let program = Program::load(pins, &self.directory, wanted, Entry::of_kernel()?)?;
        Ok(Some(Replacement { program, hash }))
    }

    /// Puts a program in the place of the one that runs, between two packets.
    pub fn replace(&mut self, pins: &Pins, replacement: Replacement) -> Result<()> {
        let Replacement { mut program, hash } = replacement;
        let what = || format!("cannot replace the program on {}", self.name());
        let pinned = PinnedLink::from_pin(pins.link(&self.directory)).doing(what)?;
        let link = XdpLink::try_from(FdLink::from(pinned)).doing(what)?;
        match program.xdp()?.attach_to_link(link) {
            Ok(_) => {
                self.record.program_hash = hash;
                self.write_record(pins)
            }
            // The interface went away after we looked.
            Err(error) if matches!(errno(&error), Some(Errno::ENOLINK | Errno::ENODEV)) => {
                self.state = State::Gone;
                Ok(())
            }
            error => Ok(error.map(drop).doing(what)?),
        }
    }

    /// Takes the awaited confirmation as given.
    pub fn confirm(&mut self, pins: &Pins) -> Result<()> {
        self.record.confirm_by_ns = 0;
        self.write_record(pins)
    }

    /// Takes the program off the interface.
    pub fn detach(self, pins: &Pins) -> Result<()> {
        // The kernel takes it off when the last reference goes. Held open until the pin is gone, that is
        // this one, and closing it takes effect at once. Where no descriptor can be had, it does so a little later.
        let path = pins.link(&self.directory);
        let held = PinnedLink::from_pin(&path);
        fs::remove_file(&path).doing(|| format!("cannot detach from {}", self.name()))?;
        drop(held);
        // It is off. A directory without a link is removed by the next change, if not now.
        let _ = pins.remove_directory(&self.directory);
        Ok(())
    }

    fn write_record(&self, pins: &Pins) -> Result<()> {
        write_record(pins, &self.directory, &self.record)
    }
}

/// Writes what is remembered about an interface.
pub(crate) fn write_record(pins: &Pins, directory: &str, record: &InterfaceRecord) -> Result<()> {
    let mut map: Array<MapData, InterfaceRecord> = pins.map(format!("{directory}/{INTERFACE_RECORD}"))?;
    Ok(map
        .set(0, record, 0)
        .doing(|| format!("cannot write the record of {}", name_of(record)))?)
}

/// A program that was verified to take the place of another one.
pub struct Replacement {
    program: Program,
    hash: u64,
}

/// The name that was remembered, fit for a terminal.
pub fn name_of(record: &InterfaceRecord) -> String {
    shown(&unpadded(&record.name))
}

/// What the kernel said, if it was the kernel.
pub(crate) fn errno(error: &ProgramError) -> Option<Errno> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return io.raw_os_error().map(Errno::from_raw);
        }
        source = error.source();
    }
    None
}
