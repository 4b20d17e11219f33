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

use crate::{
    Result,
    error::{Doing as _, shown},
    filter::program::{Entry, Program, Specialisation},
    lists::counters::Totals,
    pins::directory::Pins,
    sys::netlink::{self, Interface, Mode},
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
        let record: Array<MapData, InterfaceRecord> = pins.map(format!("{directory}/interface_record"))?;
        let mut record = record
            .get(&0, 0)
            .doing(|| format!("cannot read the record of {directory}"))?;
        let what = || format!("cannot read the link of {directory}");
        let link = FdLink::from(PinnedLink::from_pin(pins.link(&directory)).doing(what)?);
        let info = link.info().doing(what)?;
        let program_id = info.program_id();
        let runs = |interface: &Interface| interface.xdp.iter().any(|xdp| xdp.id == program_id);
        let state = match ifindex_of_link(info.id()).doing(what)? {
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
        Totals::read(&pins.map(format!("{}/interface_counts", self.directory))?)
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
            Err(error) => Err(error).doing(what),
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
    let mut map: Array<MapData, InterfaceRecord> = pins.map(format!("{directory}/interface_record"))?;
    map.set(0, record, 0)
        .doing(|| format!("cannot write the record of {}", name_of(record)))
}

/// A program that was verified to take the place of another one.
pub struct Replacement {
    program: Program,
    hash: u64,
}

/// The interface that the link with that number is on; 0 if the interface is gone. The kernel tells it in
/// `bpf_link_info`, of which aya keeps that part to itself, and in the `fdinfo` of whoever has the link open.
fn ifindex_of_link(link_id: u32) -> io::Result<u32> {
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        // Descriptors of other threads come and go meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path()) else {
            continue;
        };
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse::<u32>().ok()
        };
        if field("link_id:") == Some(link_id)
            && let Some(ifindex) = field("ifindex:")
        {
            return Ok(ifindex);
        }
    }
    Err(io::Error::other("the kernel does not tell its interface"))
}

/// A name as the record has it. The kernel has no longer one.
pub(crate) fn padded(name: &str) -> [u8; INTERFACE_NAME_BYTES] {
    let mut padded = [0; INTERFACE_NAME_BYTES];
    for (place, byte) in padded.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    padded
}

/// The name that was remembered, fit for a terminal.
pub fn name_of(record: &InterfaceRecord) -> String {
    let end = record
        .name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(INTERFACE_NAME_BYTES);
    shown(&String::from_utf8_lossy(&record.name[..end]))
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
