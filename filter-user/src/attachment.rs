//! The program on an interface: one directory of pins for each, with its link, its counters and what is
//! remembered about it.

use std::io;

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
    Error, Result,
    counters::Totals,
    error::Doing as _,
    interface::{self, Interface, Mode},
    pins::Pins,
    program::{Program, Specialisation},
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
            .interface_directories()?
            .into_iter()
            // Without a link, a command was killed before it attached anything.
            .filter(|directory| pins.join(directory).join("link").exists())
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
        let link = PinnedLink::from_pin(pins.join(&directory).join("link"));
        let link = link.doing(|| format!("cannot open the link of {directory}"))?;
        let info = FdLink::from(link)
            .info()
            .doing(|| format!("cannot read the link of {directory}"))?;
        let program_id = info.program_id();
        let state = if record.netns != interface::netns()? {
            State::Elsewhere
        } else {
            let runs = |interface: &Interface| interface.xdp.iter().any(|xdp| xdp.id == program_id);
            match interface::by_index(record.ifindex)?.filter(runs) {
                Some(interface) => {
                    // It may have been renamed.
                    record.name = padded(&interface.name);
                    State::Attached
                }
                None => State::Gone,
            }
        };
        Ok(Self {
            directory,
            record,
            program_id,
            state,
        })
    }

    /// The interface's name when it was attached.
    pub fn name(&self) -> String {
        name_of(&self.record)
    }

    /// Where the program runs.
    pub fn mode(&self) -> Mode {
        if self.record.mode == 1 {
            Mode::Native
        } else {
            Mode::Generic
        }
    }

    /// Whether it passes everything because nobody confirmed it.
    pub fn is_overdue(&self, now_ns: u64) -> bool {
        self.record.confirm_by_ns != 0 && self.record.confirm_by_ns <= now_ns
    }

    /// What it counted.
    pub fn totals(&self, pins: &Pins) -> Result<Totals> {
        Totals::read(&pins.map(format!("{}/interface_counts", self.directory))?)
    }

    /// Puts a program specialised anew in the place of the one that runs, between two packets.
    pub fn respecialise(&mut self, pins: &Pins, wanted: &Specialisation) -> Result<()> {
        if self.record.program_hash == wanted.hash() || self.state == State::Gone {
            return Ok(());
        }
        let mut program = Program::load(pins, &self.directory, wanted)?;
        let what = || format!("cannot replace the program on {}", self.name());
        let pinned = PinnedLink::from_pin(pins.join(&self.directory).join("link")).doing(what)?;
        let link = XdpLink::try_from(FdLink::from(pinned)).doing(what)?;
        let xdp = program.xdp()?;
        xdp.attach_to_link(link).map_err(|error| match errno(&error) {
            // The interface went away after we looked.
            Some(Errno::ENOLINK | Errno::ENODEV) => Error::InterfaceGone(self.name()),
            _ => Error::Kernel {
                doing: what(),
                source: Box::new(error),
            },
        })?;
        self.record.program_hash = wanted.hash();
        self.write_record(pins)
    }

    /// Takes the awaited confirmation as given.
    pub fn confirm(&mut self, pins: &Pins) -> Result<()> {
        self.record.confirm_by_ns = 0;
        self.write_record(pins)
    }

    /// Takes the program off the interface.
    pub fn detach(self, pins: &Pins) -> Result<()> {
        // The kernel takes it off when the last reference goes. Held open until the pin is gone, that is
        // this one, and closing it takes effect at once.
        let link = PinnedLink::from_pin(pins.join(&self.directory).join("link"));
        let link = link.and_then(|link| link.unpin().map_err(aya::programs::links::LinkError::from_io));
        let link = link.doing(|| format!("cannot detach from {}", self.name()))?;
        drop(link);
        pins.remove_directory(&self.directory)
    }

    fn write_record(&self, pins: &Pins) -> Result<()> {
        let path = format!("{}/interface_record", self.directory);
        let mut map: Array<MapData, InterfaceRecord> = pins.map(path)?;
        map.set(0, self.record, 0)
            .doing(|| format!("cannot write the record of {}", self.name()))
    }
}

trait FromIo {
    fn from_io(error: io::Error) -> Self;
}

impl FromIo for aya::programs::links::LinkError {
    fn from_io(io_error: io::Error) -> Self {
        Self::SyscallError(aya::sys::SyscallError {
            call: "unlink",
            io_error,
        })
    }
}

/// A name as the record has it. The kernel has no longer one.
pub(crate) fn padded(name: &str) -> [u8; INTERFACE_NAME_BYTES] {
    let mut padded = [0; INTERFACE_NAME_BYTES];
    for (place, byte) in padded.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    padded
}

pub(crate) fn name_of(record: &InterfaceRecord) -> String {
    let end = record
        .name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(INTERFACE_NAME_BYTES);
    String::from_utf8_lossy(&record.name[..end]).into_owned()
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
