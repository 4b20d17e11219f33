//! Attaches the program to an interface. It is verified first, then attached, and then its link is pinned. If a
//! step fails, nothing stays attached.

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

/// A program that the kernel has verified for an interface, but that is not attached yet.
pub struct Prepared {
    directory: String,
    program: Program,
    record: InterfaceRecord,
}

impl Prepared {
    /// Loads the program for `interface`, and creates its pins except the link. `confirm_by_ns` is the time of
    /// `CLOCK_MONOTONIC` after which the program passes everything, in nanoseconds; 0 for never.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Occupied`] if another XDP program is on the interface.
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

    /// Attaches the program and pins its link. With [`RequestedMode::Auto`], it falls back to generic XDP only if
    /// the driver has no native XDP. The second value is then the refusal of the driver.
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
        // Write the record before the program sees a packet, because the record has the time limit of `--confirm`.
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
        // If the kernel cannot create a link, aya attaches over netlink. Such an attachment ends with this process,
        // so it is an error.
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

/// Fails with [`Error::Occupied`] if another XDP program is on the interface.
pub fn check_free(interface: &Interface) -> Result<()> {
    match interface.xdp.first() {
        Some(other) => Err(occupied(interface, other.id, other.mode)),
        None => Ok(()),
    }
}

/// Turns the kernel's refusal to attach into an error that says what to do.
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
                // Drivers answer so if the MTU or an offload does not allow XDP.
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
