//! The web server: the real nginx, in the foreground, without any configuration of the machine.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::site::{LARGE_PAGE, LARGE_PAGE_BYTES, PAGE};
use super::{Family, Host, Output, must};

/// How long nginx may take until it accepts connections.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx on ports 80 and 443 of a host, over both versions of IP. Dropping it stops nginx.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
}

impl Nginx {
    /// Starts nginx on the host, with its files below the directory. Waits until it accepts connections.
    #[must_use]
    pub fn start(host: &Host, directory: &Path) -> Self {
        let home = directory.join(format!("nginx-{}", host.name()));
        let pages = home.join("pages");
        must("make nginx's directories", fs::create_dir_all(&pages));
        let write = |path: PathBuf, text: &str| {
            must(format_args!("write {}", path.display()), fs::write(&path, text));
        };
        write(home.join("certificate.pem"), certificate());
        write(pages.join("index.html"), PAGE);
        write(
            pages.join(LARGE_PAGE.trim_start_matches('/')),
            &"x".repeat(LARGE_PAGE_BYTES),
        );
        write(home.join("nginx.conf"), &configuration(&home));
        let program = program();
        let mut command = host.command(&program);
        command
            .arg("-p")
            .arg(&home)
            .arg("-e")
            .arg(home.join("error.log"))
            .arg("-c")
            .arg(home.join("nginx.conf"));
        let started = must(format_args!("start {}", program.display()), command.spawn());
        let mut nginx = Self { child: started };
        nginx.wait_until_ready(host, &home.join("error.log"));
        nginx
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_ready(&mut self, host: &Host, log: &Path) {
        let addresses = [Family::V4, Family::V6].map(|family| host.address(family));
        let ready = host.run(|| {
            let deadline = Instant::now() + PATIENCE;
            let answers = |port| {
                let connects = |&address| TcpStream::connect(SocketAddr::new(address, port)).is_ok();
                addresses.iter().all(connects)
            };
            while Instant::now() < deadline && !matches!(self.child.try_wait(), Ok(Some(_))) {
                if answers(80) && answers(443) {
                    return true;
                }
                thread::sleep(Duration::from_millis(5));
            }
            false
        });
        let log = || fs::read_to_string(log).unwrap_or_default();
        assert!(
            ready,
            "nginx does not accept connections on {}: {}",
            host.name(),
            log()
        );
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Both calls fail only if nginx has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One process, so that no worker is left when nginx is killed or the laboratory dies.
fn configuration(home: &Path) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {}/{kind};\n", home.display()))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {home}/nginx.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n{temporary}  access_log off;\n  keepalive_timeout 1h;\n  keepalive_requests 1000000;\n  \
         server {{\n    listen 80;\n    listen [::]:80;\n    listen 443 ssl;\n    listen [::]:443 ssl;\n    \
         ssl_certificate {home}/certificate.pem;\n    ssl_certificate_key {home}/certificate.pem;\n    \
         root {home}/pages;\n  }}\n}}\n",
        home = home.display(),
    )
}

/// A key and its self-signed certificate as one PEM text. All laboratories of a process share it.
fn certificate() -> &'static str {
    static CERTIFICATE: OnceLock<String> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]);
        openssl.args(["-days", "2", "-subj", "/CN=origin", "-keyout", "-", "-out", "-"]);
        Output::of(&mut openssl).ok().stdout
    })
}

/// `SYNWALL_NGINX`, or the installed nginx, or the one that `cargo xtask` unpacked for the project.
fn program() -> PathBuf {
    if let Some(path) = env::var_os("SYNWALL_NGINX") {
        return path.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    // Directories of system programs are not in every PATH, sometimes not even in root's.
    let installed = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/nginx/usr/sbin");
    let found = installed
        .chain([project])
        .map(|directory| directory.join("nginx"))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("nginx is not installed: install it, or set SYNWALL_NGINX to its path"))
}
