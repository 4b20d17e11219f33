//! The rows of the packet table: one module for each part of the contract, in its order.

mod established;
mod expiry;
mod fragments;
mod ipv4;
mod ipv6;
mod ipv6_cut_short;
mod jumbo;
mod link;
mod lists;
mod observe;
mod other;
mod ports;
mod retired;
mod segments;
mod trusted;
mod udp;

use crate::packet_table::row::Row;

pub fn all() -> Vec<Row> {
    [
        link::rows(),
        retired::rows(),
        other::rows(),
        ports::rows(),
        lists::rows(),
        expiry::rows(),
        segments::rows(),
        established::rows(),
        udp::rows(),
        ipv4::rows(),
        ipv6::rows(),
        ipv6_cut_short::rows(),
        fragments::rows(),
        trusted::rows(),
        jumbo::rows(),
        observe::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
