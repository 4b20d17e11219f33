//! Reads network interfaces, their XDP programs and their addresses over rtnetlink.

use std::{fs, io, os::unix::fs::MetadataExt as _};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, LinkXdp, XdpAttached},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::error::{Doing as _, Error, Result};
use crate::model::mode::Mode;

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpProgram {
    /// Whether it runs in the driver or in the generic hook.
    pub mode: Mode,
    /// The ID of the program in the kernel.
    pub id: u32,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its index in its network namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// The XDP programs on it.
    pub xdp: Vec<XdpProgram>,
    /// Whether it is a loopback interface.
    pub is_loopback: bool,
    /// Whether it is a bond. Packets reach a bond through its members.
    pub is_bond: bool,
    /// The index of the bond or bridge that it is a member of.
    pub controller: Option<u32>,
}

/// Looks up the interface called `name` in this network namespace.
///
/// # Errors
///
/// Fails with [`Error::UnknownInterface`] if there is none.
pub fn by_name(name: &str) -> Result<Interface> {
    let unknown = || Error::UnknownInterface(name.escape_debug().collect());
    // A name and its NUL must fit into IFNAMSIZ (16 bytes). The kernel would answer a longer name with ERANGE.
    if name.is_empty() || name.len() >= filter_common::INTERFACE_NAME_BYTES {
        return Err(unknown());
    }
    let mut query = LinkMessage::default();
    query.attributes.push(LinkAttribute::IfName(name.to_owned()));
    ask(query)
        .doing(|| format!("cannot look up {name}"))?
        .ok_or_else(unknown)
}

/// Looks up the interface with this index in this network namespace. `None` if there is none.
pub fn by_index(index: u32) -> Result<Option<Interface>> {
    let mut query = LinkMessage::default();
    query.header.index = index;
    ask(query).doing(|| format!("cannot look up interface number {index}"))
}

/// All interfaces in this network namespace, from a netlink dump. An interface whose name is not UTF-8 is missing,
/// because the netlink crate cannot read it.
pub fn all() -> Result<Vec<Interface>> {
    let query = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let links = dump(query, |answer| match answer {
        RouteNetlinkMessage::NewLink(link) => Some(describe(link)),
        _ => None,
    });
    links.doing(|| "cannot list the interfaces".into())
}

/// What is of use among all answers to a query.
fn dump<T>(
    query: RouteNetlinkMessage,
    of_use: impl Fn(RouteNetlinkMessage) -> Option<T>,
) -> io::Result<Vec<T>> {
    let socket = request(query, NLM_F_DUMP)?;
    let mut found = Vec::new();
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        for message in messages(&datagram) {
            match message.payload {
                NetlinkPayload::InnerMessage(answer) => found.extend(of_use(answer)),
                NetlinkPayload::Done(_) => return Ok(found),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
        }
    }
}

/// The netlink messages in a datagram. A message that cannot be read is left out.
fn messages(mut datagram: &[u8]) -> Vec<NetlinkMessage<RouteNetlinkMessage>> {
    let mut messages = Vec::new();
    while let Some(Ok(length)) = datagram
        .first_chunk()
        .map(|length| usize::try_from(u32::from_ne_bytes(*length)))
    {
        let Some(message) = datagram.get(..length).filter(|message| !message.is_empty()) else {
            break;
        };
        messages.extend(NetlinkMessage::deserialize(message));
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    messages
}

/// The inode number of the current network namespace, which identifies it.
pub fn netns() -> Result<u64> {
    // Use the thread's namespace, because a thread may be in another one than its process.
    let path = "/proc/thread-self/ns/net";
    Ok(fs::metadata(path).doing(|| format!("cannot read {path}"))?.ino())
}

fn request(query: RouteNetlinkMessage, flags: u16) -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(query));
    message.finalize();
    let mut request = vec![0; message.buffer_len()];
    message.serialize(&mut request);
    socket.send(&request, 0)?;
    Ok(socket)
}

fn ask(query: LinkMessage) -> io::Result<Option<Interface>> {
    let socket = request(RouteNetlinkMessage::GetLink(query), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).map_err(io::Error::other)?;
    match answer.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => Ok(Some(describe(link))),
        NetlinkPayload::Error(error) => match error.to_io() {
            error if error.raw_os_error() == Some(nix::libc::ENODEV) => Ok(None),
            error => Err(error),
        },
        other => Err(io::Error::other(format!("unexpected answer {other:?}"))),
    }
}

fn describe(link: LinkMessage) -> Interface {
    let mut interface = Interface {
        index: link.header.index,
        name: String::new(),
        xdp: Vec::new(),
        is_loopback: link.header.flags.contains(LinkFlags::Loopback),
        is_bond: false,
        controller: None,
    };
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name = name,
            LinkAttribute::Xdp(xdp) => interface.xdp = programs(&xdp),
            LinkAttribute::Controller(index) => interface.controller = Some(index),
            LinkAttribute::LinkInfo(info) => {
                interface.is_bond = info.contains(&LinkInfo::Kind(InfoKind::Bond));
            }
            _ => {}
        }
    }
    interface
}

fn programs(xdp: &[LinkXdp]) -> Vec<XdpProgram> {
    let find = |id: fn(&LinkXdp) -> Option<u32>| xdp.iter().find_map(id);
    let native = find(|attribute| match attribute {
        LinkXdp::DrvProgId(id) => Some(*id),
        _ => None,
    });
    let generic = find(|attribute| match attribute {
        LinkXdp::SkbProgId(id) => Some(*id),
        _ => None,
    });
    // Since 4.19 kernels always report the program by mode. Before, they did so only if there were several
    // programs.
    let only = find(|attribute| match attribute {
        LinkXdp::ProgId(id) => Some(*id),
        _ => None,
    });
    let attached = xdp.iter().find_map(|attribute| match attribute {
        LinkXdp::Attached(attached) => Some(*attached),
        _ => None,
    });
    let native = native.or(only.filter(|_| matches!(attached, Some(XdpAttached::Driver))));
    let generic = generic.or(only.filter(|_| matches!(attached, Some(XdpAttached::SocketBuffer))));
    let native = native.map(|id| XdpProgram {
        mode: Mode::Native,
        id,
    });
    native
        .into_iter()
        .chain(generic.map(|id| XdpProgram {
            mode: Mode::Generic,
            id,
        }))
        .collect()
}
