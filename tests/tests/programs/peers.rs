//! Programs that are not ours through the port forwarder: curl to our HTTP server, and ssh to an sshd.

use std::fs::Permissions;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::support::{Program, bytes, peer};

fn forwarder(target: SocketAddr) -> (Program, SocketAddr) {
    let mut forwarder =
        Program::start("port_forwarder", &["--forward", &format!("0:localhost:{}", target.port())]);
    let addr = forwarder.addr();
    (forwarder, addr)
}

#[test]
fn curl_reaches_our_http_server_through_the_forwarder() {
    let Some(curl) = peer(&["curl"], "--version") else { return };
    let mut http = Program::start("http_hello", &["0"]);
    let (forwarder, addr) = forwarder(http.addr());
    let url = |name: &str| format!("http://{addr}/hello?name={name}");
    // Two requests on one connection, then one of its own.
    let mut ask = Command::new(curl);
    let asked = ask.args(["-sS", "--max-time", "60", &url("one"), &url("two")]).output().unwrap();
    let errors = String::from_utf8_lossy(&asked.stderr).into_owned();
    assert_eq!((&*asked.stdout, &*errors), (&b"hello, one\nhello, two\n"[..], ""));
    let mut ask = Command::new(curl);
    ask.args(["-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}"]);
    let missing = ask.arg(format!("http://{addr}/nothing")).output().unwrap();
    assert_eq!(missing.stdout, b"404");
    forwarder.signal(Signal::TERM);
    let ended = forwarder.end();
    assert!(
        ended.well().contains(": 2 connections, 0 failed, 0 broken, 0 cut, 0 refused; "),
        "{}",
        ended.well()
    );
}

const SSHD: &str = "/usr/sbin/sshd";

/// An sshd for one connection after the other, each started with its socket as standard input and output, as inetd
/// does.
fn sshd(config: &Path, connections: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let config = config.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let stream = stream.unwrap();
            let other = OwnedFd::from(stream.try_clone().unwrap());
            let mut command = Command::new(SSHD);
            command.arg("-i").arg("-f").arg(&config);
            command.stdin(OwnedFd::from(stream)).stdout(other).stderr(Stdio::null());
            let mut sshd = command.spawn().unwrap();
            // Our copies of the socket are in the command, and would keep the connection open.
            drop(command);
            sshd.wait().unwrap();
        }
    });
    addr
}

/// Keys for one run, and the configuration that takes them and nothing else. `None` where no keys can be made.
fn keys_and_config(folder: &Path) -> Option<()> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    for name in ["host", "user"] {
        let mut keygen = Command::new("ssh-keygen");
        let made = keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name)).status();
        made.ok().filter(|status| status.success())?;
    }
    let folder = folder.display();
    let config = format!(
        "HostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
    );
    std::fs::write(format!("{folder}/sshd_config"), config).unwrap();
    Some(())
}

/// Sends `input` to `cat` on the other side.
fn ssh(addr: SocketAddr, folder: &Path, user: &str, input: &[u8]) -> Output {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    ssh.args([
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "LogLevel=ERROR",
        "-o",
        "ConnectTimeout=60",
    ]);
    ssh.arg("-i").arg(folder.join("user")).arg("-p").arg(addr.port().to_string());
    ssh.arg(format!("{user}@{}", addr.ip())).arg("cat");
    let mut ssh = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = ssh.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // One that refuses us does not read; its answer says why.
        scope.spawn(move || drop(stdin.write_all(input)));
        ssh.wait_with_output().unwrap()
    })
}

#[test]
fn ssh_reaches_an_sshd_through_the_forwarder() {
    if peer(&["ssh"], "-V").is_none() {
        return;
    }
    if !Path::new(SSHD).exists() {
        println!("skipped: no {SSHD}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    if keys_and_config(folder).is_none() {
        println!("skipped: ssh-keygen makes no keys");
        return;
    }
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    let addr = sshd(&folder.join("sshd_config"), 2);
    let sent = bytes(22, 3_000_000);
    let direct = ssh(addr, folder, user.trim(), &sent);
    if !direct.status.success() {
        println!("skipped: sshd does not let us in: {}", String::from_utf8_lossy(&direct.stderr).trim());
        return;
    }
    let (forwarder, through) = forwarder(addr);
    let answer = ssh(through, folder, user.trim(), &sent);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    assert!(answer.stdout == sent, "{} bytes came back", answer.stdout.len());
    forwarder.signal(Signal::TERM);
    let ended = forwarder.end();
    assert!(
        ended.well().contains(": 1 connections, 0 failed, 0 broken, 0 cut, 0 refused; "),
        "{}",
        ended.well()
    );
}
