//! Drop level `unestablished`: whether this host has a connection that a segment could belong to.

use aya_ebpf::{
    bindings::{
        BPF_F_CURRENT_NETNS, bpf_sock_tuple, bpf_sock_tuple__bindgen_ty_1__bindgen_ty_1,
        bpf_sock_tuple__bindgen_ty_1__bindgen_ty_2,
    },
    helpers::generated::{bpf_sk_release, bpf_skc_lookup_tcp},
};

use crate::{frame::Frame, lists::Address, packet::Packet};

/// `TCP_LISTEN` of the kernel's `include/net/tcp_states.h`.
const TCP_LISTEN: u32 = 10;

/// Whether the host has a socket for the connection of a TCP packet. A listener does not count.
#[inline(always)]
pub fn has_socket<A: Address, const SCATTERED: bool>(frame: &Frame<SCATTERED>, packet: &Packet<A>) -> bool {
    // SAFETY: a union of integers, for which zero is a value.
    let mut tuple: bpf_sock_tuple = unsafe { core::mem::zeroed() };
    let (sport, dport) = packet.ports.each();
    let (source, destination) = (packet.source.words(), packet.destination.words());
    let size = if A::BITS == 32 {
        tuple.__bindgen_anon_1.ipv4 = bpf_sock_tuple__bindgen_ty_1__bindgen_ty_1 {
            saddr: source[0],
            daddr: destination[0],
            sport,
            dport,
        };
        size_of::<bpf_sock_tuple__bindgen_ty_1__bindgen_ty_1>()
    } else {
        tuple.__bindgen_anon_1.ipv6 = bpf_sock_tuple__bindgen_ty_1__bindgen_ty_2 {
            saddr: source,
            daddr: destination,
            sport,
            dport,
        };
        size_of::<bpf_sock_tuple__bindgen_ty_1__bindgen_ty_2>()
    };
    // SAFETY: `ctx` is this run's context, and `tuple` has at least `size` bytes. Only the common part of the socket is
    // read, and the socket is released before this returns.
    unsafe {
        let socket = bpf_skc_lookup_tcp(
            frame.ctx().cast(),
            &raw mut tuple,
            size as u32,
            BPF_F_CURRENT_NETNS as u64,
            0,
        );
        if socket.is_null() {
            return false;
        }
        let state = (*socket).state;
        bpf_sk_release(socket.cast());
        state != TCP_LISTEN
    }
}
