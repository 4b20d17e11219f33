//! A UDP service on the origin that returns every datagram.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tests::lab::{Family, Host};

/// Answers datagrams to a port of a host, over both versions of IP, until it is dropped.
pub struct Echo {
    done: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Echo {
    pub fn start(host: &Host, port: u16) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let threads = [Family::V4, Family::V6].map(|family| {
            let address = SocketAddr::new(host.address(family), port);
            let socket = host.run(|| UdpSocket::bind(address).expect("a socket"));
            // A short timeout, so that the thread notices the end of the test.
            let moment = Duration::from_millis(50);
            socket.set_read_timeout(Some(moment)).expect("a time");
            let done = Arc::clone(&done);
            thread::spawn(move || answer(&socket, &done))
        });
        Self {
            done,
            threads: threads.into(),
        }
    }
}

fn answer(socket: &UdpSocket, done: &AtomicBool) {
    let mut datagram = [0; 2048];
    while !done.load(Relaxed) {
        if let Ok((len, from)) = socket.recv_from(&mut datagram) {
            // The client may have gone.
            let _ = socket.send_to(&datagram[..len], from);
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.done.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
