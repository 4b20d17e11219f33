//! Putting the program on an interface: verified first, then attached and pinned, or nothing.

use std::io;

use aya::programs::{ProgramError, XdpMode, links::FdLink, loaded_programs};
use filter_common::InterfaceRecord;
use nix::errno::Errno;

use super::{
    attachment::{Attachment, State, errno, name_of, write_record},
    error::{Error, Result},
    program::{Entry, Program, Specialisation},
};
use crate::{
    model::mode::{Mode, RequestedMode},
    pins::{directory::Pins, names::INTERFACE},
    sys::{
        self, clock,
        error::Doing as _,
        netlink::{self, Interface},
    },
    text::padded,
};

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
        check_free(interface)?;
        let netns = netlink::netns()?;
        let directory = format!("{INTERFACE}{}_{netns}", interface.index);
        pins.fresh_directory(&directory)?;
        let program = Program::load(pins, &directory, specialisation, Entry::of_kernel()?)?;
        let record = InterfaceRecord {
            confirm_by_ns,
            attached_ns: clock::now_ns()?,
            netns,
            program_hash: specialisation.hash(),
            ifindex: interface.index,
            mode: 0,
            name: padded(&interface.name),
        };
        Ok(Self {
            directory,
            program,
            record,
        })
    }

    /// Attaches the program, and says why if it had to be the generic mode.
    pub fn attach(mut self, pins: &Pins, wanted: RequestedMode) -> Result<(Attachment, Option<io::Error>)> {
        let (program_id, fallback) = match wanted {
            RequestedMode::Generic => (self.attach_in(pins, Mode::Generic)?, None),
            RequestedMode::Native => (self.attach_in(pins, Mode::Native)?, None),
            RequestedMode::Auto => match self.attach_in(pins, Mode::Native) {
                Ok(id) => (id, None),
                Err(Error::NoNativeMode { source, .. }) => {
                    (self.attach_in(pins, Mode::Generic)?, Some(source))
                }
                Err(error) => return Err(error),
            },
        };
        let Self {
            directory, record, ..
        } = self;
        let state = State::Attached;
        Ok((
            Attachment {
                directory,
                record,
                program_id,
                state,
            },
            fallback,
        ))
    }

    fn attach_in(&mut self, pins: &Pins, mode: Mode) -> Result<u32> {
        let name = name_of(&self.record);
        // Before the first packet: the record says until when to wait for a confirmation.
        self.record.mode = match mode {
            Mode::Native => 1,
            Mode::Generic => 2,
        };
        write_record(pins, &self.directory, &self.record)?;

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
        link.pin(pins.link(&self.directory))
            .doing(|| format!("cannot pin the link of {name}, so it was detached again"))?;
        Ok(program_id)
    }
}

/// Fails if another XDP program is on the interface.
pub fn check_free(interface: &Interface) -> Result<()> {
    match interface.xdp.first() {
        Some(other) => Err(occupied(interface, other.id, other.mode)),
        None => Ok(()),
    }
}

/// What the kernel's refusal to attach means.
fn refused(name: &str, ifindex: u32, mode: Mode, error: ProgramError) -> Error {
    let errno = errno(&error);
    let source = errno.map_or_else(|| io::Error::other(error.to_string()), io::Error::from);
    match errno {
        Some(Errno::EBUSY | Errno::EEXIST) => {
            let other = netlink::by_index(ifindex).ok().flatten();
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
        Some(Errno::ENODEV) => sys::error::Error::UnknownInterface(name.to_owned()).into(),
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
