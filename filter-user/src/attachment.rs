//! The program on an interface: one directory of pins for each, with its link, its counters and what is
//! remembered about it.

use std::io;

use aya::{
    maps::{Array, MapData},
    programs::{
        ProgramError, XdpMode,
        links::{FdLink, PinnedLink},
        loaded_programs,
        xdp::XdpLink,
    },
};
use filter_common::{INTERFACE_NAME_BYTES, InterfaceRecord};
use nix::errno::Errno;

use crate::{
    Error, Result, clock,
    counters::Totals,
    error::Doing as _,
    interface::{self, Interface, Mode},
    pins::{INTERFACE, Pins},
    program::{Program, Specialisation},
};

/// Which mode a user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Native, or generic where the driver has no native mode.
    Auto,
    /// Native or nothing.
    Native,
    /// Generic.
    Generic,
}

/// An interface that the filter is on, or was on when it was last seen.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The directory of its pins.
    directory: String,
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
        let record = record
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
            let there = interface::by_index(record.ifindex)?;
            let runs = |interface: Interface| interface.xdp.iter().any(|xdp| xdp.id == program_id);
            if there.is_some_and(runs) {
                State::Attached
            } else {
                State::Gone
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

fn name_of(record: &InterfaceRecord) -> String {
    let end = record
        .name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(INTERFACE_NAME_BYTES);
    String::from_utf8_lossy(&record.name[..end]).into_owned()
}

/// A program that was verified for an interface and is not on it yet.
pub struct Prepared {
    directory: String,
    program: Program,
    record: InterfaceRecord,
}

impl Prepared {
    /// Loads the program for `interface`. Fails if another XDP program is there.
    pub fn new(
        pins: &Pins,
        interface: &Interface,
        specialisation: &Specialisation,
        confirm_by_ns: u64,
    ) -> Result<Self> {
        if let Some(other) = interface.xdp.first() {
            return Err(occupied(interface, other.id, other.mode));
        }
        let netns = interface::netns()?;
        let directory = format!("{INTERFACE}{}_{netns}", interface.index);
        pins.fresh_directory(&directory)?;
        let mut name = [0; INTERFACE_NAME_BYTES];
        name[..interface.name.len()].copy_from_slice(interface.name.as_bytes());
        let loaded = Program::load(pins, &directory, specialisation);
        let program = match loaded {
            Ok(program) => program,
            Err(error) => {
                pins.remove_directory(&directory)?;
                return Err(error);
            }
        };
        let record = InterfaceRecord {
            confirm_by_ns,
            attached_ns: clock::now_ns()?,
            netns,
            program_hash: specialisation.hash(),
            ifindex: interface.index,
            mode: 0,
            name,
        };
        Ok(Self {
            directory,
            program,
            record,
        })
    }

    /// Attaches the program, and says why if it had to be the generic mode.
    pub fn attach(mut self, pins: &Pins, wanted: Wanted) -> Result<(Attachment, Option<io::Error>)> {
        let attached = match wanted {
            Wanted::Generic => self
                .attach_in(pins, Mode::Generic)
                .map(|id| (Mode::Generic, id, None)),
            Wanted::Native => self
                .attach_in(pins, Mode::Native)
                .map(|id| (Mode::Native, id, None)),
            Wanted::Auto => match self.attach_in(pins, Mode::Native) {
                Ok(id) => Ok((Mode::Native, id, None)),
                Err(Error::NoNativeMode { source, .. }) => self
                    .attach_in(pins, Mode::Generic)
                    .map(|id| (Mode::Generic, id, Some(source))),
                Err(error) => Err(error),
            },
        };
        match attached {
            Ok((_, program_id, fallback)) => {
                let Self {
                    directory, record, ..
                } = self;
                Ok((
                    Attachment {
                        directory,
                        record,
                        program_id,
                        state: State::Attached,
                    },
                    fallback,
                ))
            }
            Err(error) => {
                pins.remove_directory(&self.directory)?;
                Err(error)
            }
        }
    }

    /// Leaves the interface as it is.
    pub fn discard(self, pins: &Pins) -> Result<()> {
        pins.remove_directory(&self.directory)
    }

    fn attach_in(&mut self, pins: &Pins, mode: Mode) -> Result<u32> {
        let name = name_of(&self.record);
        // Before the first packet: the record says until when to wait for a confirmation.
        self.record.mode = match mode {
            Mode::Native => 1,
            Mode::Generic => 2,
        };
        let path = format!("{}/interface_record", self.directory);
        let mut record: Array<MapData, InterfaceRecord> = pins.map(path)?;
        record
            .set(0, self.record, 0)
            .doing(|| format!("cannot write the record of {name}"))?;

        let flags = match mode {
            Mode::Native => XdpMode::Driver,
            Mode::Generic => XdpMode::Skb,
        };
        let ifindex = self.record.ifindex;
        let xdp = self.program.xdp()?;
        let id = xdp
            .attach_to_if_index(ifindex, flags)
            .map_err(|error| refused(&name, ifindex, mode, error))?;
        let link = xdp
            .take_link(id)
            .doing(|| format!("cannot take the link of {name}"))?;
        // Where the kernel makes no link, aya attaches over netlink: that would end with this process.
        let link = FdLink::try_from(link).map_err(|_| Error::LinkNotPinnable(name.clone()))?;
        let program_id = link
            .info()
            .doing(|| format!("cannot read the link of {name}"))?
            .program_id();
        link.pin(pins.join(&self.directory).join("link"))
            .doing(|| format!("cannot pin the link of {name}, so it was detached again"))?;
        Ok(program_id)
    }
}

/// What the kernel's refusal to attach means.
fn refused(name: &str, ifindex: u32, mode: Mode, error: ProgramError) -> Error {
    let errno = errno(&error);
    let source = errno.map_or_else(|| io::Error::other(error.to_string()), io::Error::from);
    match errno {
        Some(Errno::EBUSY | Errno::EEXIST) => {
            let other = interface::by_index(ifindex).ok().flatten();
            let program = other
                .as_ref()
                .and_then(|interface| interface.xdp.first().copied());
            match (other, program) {
                (Some(interface), Some(program)) => occupied(&interface, program.id, program.mode),
                _ => Error::Attach {
                    interface: name.to_owned(),
                    mode: mode.name(),
                    source,
                    hint: "",
                },
            }
        }
        Some(Errno::ENODEV) => Error::UnknownInterface(name.to_owned()),
        Some(Errno::EOPNOTSUPP) if mode == Mode::Native => Error::NoNativeMode {
            interface: name.to_owned(),
            source,
        },
        _ => Error::Attach {
            interface: name.to_owned(),
            mode: mode.name(),
            source,
            hint: match mode {
                // Drivers answer so when the MTU or an offload stands in the way.
                Mode::Native => {
                    "; the driver refused it as the interface is set up now (often the MTU, LRO or the \
                     number of queues; dmesg may say more), or use --xdp generic"
                }
                Mode::Generic => "",
            },
        },
    }
}

fn occupied(interface: &Interface, program_id: u32, mode: Mode) -> Error {
    let named = loaded_programs()
        .flatten()
        .find(|program| program.id() == program_id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .filter(|name| !name.is_empty());
    let program = match named {
        Some(name) => format!("'{name}' (id {program_id}, {})", mode.name()),
        None => format!("id {program_id} ({})", mode.name()),
    };
    Error::Occupied {
        interface: interface.name.clone(),
        program,
        xdp: mode.iproute2(),
    }
}

fn errno(error: &ProgramError) -> Option<Errno> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return io.raw_os_error().map(Errno::from_raw);
        }
        source = error.source();
    }
    None
}
