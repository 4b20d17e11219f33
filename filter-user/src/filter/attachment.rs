//! The attachment of a filter to one interface. Each has a pin directory with its link, its counters and its
//! record.

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

/// An attachment as it was found: its pins, its record, and the state of the interface.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The name of its directory, below the pin directory.
    pub(crate) directory: String,
    /// The record of the interface. If the interface was renamed, it has the new name.
    pub record: InterfaceRecord,
    /// The ID of the program that the link runs.
    pub program_id: u32,
    /// Whether the program still runs on the interface.
    pub state: State,
}

/// Whether the program still runs on the interface, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The program runs on the interface.
    Attached,
    /// The interface no longer exists.
    Gone,
    /// The interface is in another network namespace. This process cannot look there.
    Elsewhere,
}

impl Attachment {
    /// Reads every attachment of a filter, sorted by interface name.
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
                    // The interface may have been renamed.
                    record.name = padded(&interface.name);
                    State::Attached
                }
                // The interface moved to another namespace after the program was attached.
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

    /// The name of the interface, or its last known name. It is safe to print on a terminal.
    pub fn name(&self) -> String {
        name_of(&self.record)
    }

    /// Whether the interface has this name.
    pub fn is_called(&self, name: &str) -> bool {
        name.len() < INTERFACE_NAME_BYTES && padded(name) == self.record.name
    }

    /// Whether the program runs in the driver or in the generic hook.
    pub fn mode(&self) -> Mode {
        if self.record.mode == 1 {
            Mode::Native
        } else {
            Mode::Generic
        }
    }

    /// Whether the attachment waits for `synwall confirm`. It still does after its time has passed.
    pub fn awaits_confirmation(&self) -> bool {
        self.record.confirm_by_ns != 0
    }

    /// Whether the program passes everything, because the confirmation did not come before `now_ns`.
    pub fn is_overdue(&self, now_ns: u64) -> bool {
        self.awaits_confirmation() && self.record.confirm_by_ns <= now_ns
    }

    /// Packets and bytes counted on the interface, by reason.
    pub fn totals(&self, pins: &Pins) -> Result<Totals> {
        Totals::read(&pins.map(format!("{}/{INTERFACE_COUNTS}", self.directory))?)
    }

    /// Loads and verifies a new program for this interface. `None` if the running program already fits `wanted`, or
    /// if the interface no longer exists.
    pub fn prepare(&self, pins: &Pins, wanted: &Specialisation) -> Result<Option<Replacement>> {
        let hash = wanted.hash();
        // If the interface returns, it gets a new program anyway.
        if self.record.program_hash == hash || self.state == State::Gone {
            return Ok(None);
        }
        let program = Program::load(pins, &self.directory, wanted, Entry::of_kernel()?)?;
        Ok(Some(Replacement { program, hash }))
    }

    /// Replaces the running program with one `bpf_link_update`. Each packet meets the old program or the new one.
    /// If the interface has just disappeared, the state changes to [`State::Gone`].
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
            // The interface disappeared after it was looked up.
            Err(error) if matches!(errno(&error), Some(Errno::ENOLINK | Errno::ENODEV)) => {
                self.state = State::Gone;
                Ok(())
            }
            error => Ok(error.map(drop).doing(what)?),
        }
    }

    /// Clears the time limit of the record, so that filtering continues.
    pub fn confirm(&mut self, pins: &Pins) -> Result<()> {
        self.record.confirm_by_ns = 0;
        self.write_record(pins)
    }

    /// Detaches the program and removes the pins of the interface.
    pub fn detach(self, pins: &Pins) -> Result<()> {
        // The kernel detaches the program when the last reference to its link goes. After the removal of a pin it
        // does so later. Closing a descriptor takes effect at once, so hold one until the pin is gone.
        let path = pins.link(&self.directory);
        let held = PinnedLink::from_pin(&path);
        fs::remove_file(&path).doing(|| format!("cannot detach from {}", self.name()))?;
        drop(held);
        // The program is detached, so this is no failure. The next change removes a directory without a link.
        let _ = pins.remove_directory(&self.directory);
        Ok(())
    }

    fn write_record(&self, pins: &Pins) -> Result<()> {
        write_record(pins, &self.directory, &self.record)
    }
}

/// Writes the record of an interface.
pub(crate) fn write_record(pins: &Pins, directory: &str, record: &InterfaceRecord) -> Result<()> {
    let mut map: Array<MapData, InterfaceRecord> = pins.map(format!("{directory}/{INTERFACE_RECORD}"))?;
    Ok(map
        .set(0, record, 0)
        .doing(|| format!("cannot write the record of {}", name_of(record)))?)
}

/// A verified program that will replace the running one.
pub struct Replacement {
    program: Program,
    hash: u64,
}

/// The interface name in a record. It is safe to print on a terminal.
pub fn name_of(record: &InterfaceRecord) -> String {
    shown(&unpadded(&record.name))
}

/// The error number of the system call, if a system call failed.
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
