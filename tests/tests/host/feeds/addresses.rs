//! Names with more than one address: a list still arrives when most of the addresses do not answer.

use std::{
    fmt::Write as _,
    net::{SocketAddr, ToSocketAddrs as _},
    time::Duration,
};

use tests::lab::{Lab, Namespace};

use crate::feeds::{
    https_server::{Authority, Shown},
    servers::{answer, get},
};

/// Silent addresses. With the one that answers, they are as many as synwall takes from the system's resolver.
const SILENT: usize = 15;
/// The time for all addresses. After the first address, enough is left for the one that answers.
const TIMEOUT: Duration = Duration::from_secs(5);

#[test]
fn a_name_whose_ipv6_addresses_lead_nowhere_gives_its_list_over_ipv4() {
    let lab = Lab::new();
    let host = Namespace::new();
    host.add_to_loopback(&["2001:db8::1".parse().unwrap()]);
    let mut links = "link add nowhere type veth peer name end\nlink set end up\nlink set nowhere up\n\
                     route add 2001:db8:1::/64 dev nowhere\n"
        .to_owned();
    let mut names = "127.0.0.1 localhost\n".to_owned();
    for number in 1..=SILENT {
        let address = format!("2001:db8:1::{number:x}");
        // Without this entry, the kernel would report a missing neighbour after a while. A broken IPv6 path reports
        // nothing.
        writeln!(links, "neigh add {address} lladdr 02:00:00:00:00:01 dev nowhere").unwrap();
        writeln!(names, "{address} localhost").unwrap();
    }
    host.ip(&links);
    lab.replace("/etc/hosts", &names);

    let authority = Authority::new("laboratory");
    let list = "198.51.100.0/24\n";
    let server =
        host.run(|| authority.serve(Shown::Good, move |_, stream| answer(stream, "200 OK", "", list)));
    let port = server.address.port();
    let found: Vec<_> = host.run(|| ("localhost", port).to_socket_addrs().unwrap().collect());
    assert_eq!(found.len(), SILENT + 1);
    assert!(
        found[..SILENT].iter().all(SocketAddr::is_ipv6),
        "the system names them first: {found:?}"
    );

    let url = format!("https://localhost:{port}/list");
    let fetched = host.run(|| get(&url, Some(&authority.file()), None, TIMEOUT));
    assert_eq!(fetched, Ok(list.to_owned()));
}
