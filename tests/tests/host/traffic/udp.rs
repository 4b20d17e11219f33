//! UDP ports (QUIC): protected only if they are named. Then they do not answer strangers.

use std::{
    net::UdpSocket,
    thread,
    time::{Duration, Instant},
};

use tests::lab::{Family, Host, Site};

use crate::traffic::visit::{BOTH, SILENCE, SOON, dropped, filtered, is_served, port, synwall};

/// Sends a datagram to the origin's port 443. Returns whether it came back.
fn echoes(visitor: &Host, site: &Site, family: Family, patience: Duration) -> bool {
    let to = port(&site.origin, family, 443);
    let from = port(visitor, family, 0);
    visitor.run(|| {
        let socket = UdpSocket::bind(from).expect("a socket");
        socket.set_read_timeout(Some(patience)).expect("a time");
        socket.connect(to).expect("an address");
        let mut answer = [0; 4];
        socket.send(b"quic").is_ok()
            && socket
                .recv(&mut answer)
                .is_ok_and(|len| &answer[..len] == b"quic")
    })
}

/// Answers every datagram to port 443 of the origin while the work runs.
fn with_echo<T>(site: &Site, work: impl FnOnce() -> T) -> T {
    let sockets: Vec<UdpSocket> = BOTH
        .into_iter()
        .map(|family| {
            site.origin
                .run(|| UdpSocket::bind(port(&site.origin, family, 443)).expect("a socket"))
        })
        .collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for socket in &sockets {
            socket
                .set_read_timeout(Some(Duration::from_millis(50)))
                .expect("a time");
            scope.spawn(|| {
                let (mut datagram, give_up) = ([0; 64], Instant::now() + 20 * SOON);
                while !done.load(std::sync::atomic::Ordering::Relaxed) && Instant::now() < give_up {
                    if let Ok((len, from)) = socket.recv_from(&mut datagram) {
                        let _ = socket.send_to(&datagram[..len], from);
                    }
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn a_udp_port_is_protected_only_if_it_is_named(mode: &str) {
    let site = filtered(mode, "");
    with_echo(&site, || {
        for family in BOTH {
            assert!(
                echoes(&site.attacker, &site, family, SOON),
                "UDP is dropped although nobody asked for it"
            );
        }
        synwall(&site, "set --udp 443");
        for family in BOTH {
            assert!(
                !echoes(&site.attacker, &site, family, SILENCE),
                "a stranger's datagram got through"
            );
            assert!(
                echoes(&site.proxy, &site, family, SOON),
                "the proxy's datagram did not get through"
            );
            is_served(&site.proxy, port(&site.origin, family, 80));
        }
        assert_eq!(dropped(&site, "untrusted-udp").0, 2);
        synwall(&site, "set --udp none");
        for family in BOTH {
            assert!(echoes(&site.attacker, &site, family, SOON));
        }
    });
}

in_both_modes!(a_udp_port_is_protected_only_if_it_is_named);
