//! A rule of the port forwarder: how it is written, and how its target is reached.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use anyhow::anyhow;
use runtime_lab::{OwnedTcpStream, dns, timeout};

/// How long one address may take to answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Where to listen, and where to connect to.
#[derive(Clone)]
pub(crate) struct Rule {
    /// Port 0 is one that the system chooses.
    pub(crate) listen: SocketAddr,
    host: String,
    port: u16,
}

impl Rule {
    /// Tries the addresses of the host in turn.
    pub(crate) async fn connect(&self) -> anyhow::Result<OwnedTcpStream> {
        let mut failure = anyhow!("{:?} has no address", self.host);
        for addr in dns::lookup(&self.host, self.port).await? {
            failure = match timeout(CONNECT_LIMIT, OwnedTcpStream::connect(addr)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => anyhow!("cannot connect to {addr}: {error}"),
                Err(_) => anyhow!("cannot connect to {addr}: no answer within {CONNECT_LIMIT:?}"),
            };
        }
        Err(failure)
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Rule { listen, host, port } = self;
        if host.contains(':') {
            return write!(f, "{listen} for [{host}]:{port}");
        }
        write!(f, "{listen} for {host}:{port}")
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        let parts = split_outside_brackets(text);
        let (address, rest) = match parts.len() {
            4 => (parts[0], &parts[1..]),
            _ => ("127.0.0.1", &parts[..]),
        };
        let [listen, host, target] = rest else {
            return Err("three parts are needed, or four: [ADDRESS:]PORT:HOST:PORT".to_owned());
        };
        let address: IpAddr = address.parse().map_err(|_| format!("{address:?} is no address"))?;
        let port = |text: &str| text.parse::<u16>().map_err(|_| format!("{text:?} is no port"));
        let (listen, target) = (SocketAddr::new(address, port(listen)?), port(target)?);
        if host.is_empty() || target == 0 {
            return Err("a host and a port to connect to are needed".to_owned());
        }
        Ok(Rule { listen, host: (*host).to_owned(), port: target })
    }
}

/// The parts between colons; one in brackets may have colons, as addresses of version 6 have.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|sign| {
        depth += i32::from(sign == '[') - i32::from(sign == ']');
        sign == ':' && depth == 0
    });
    parts.map(|part| part.strip_prefix('[').and_then(|part| part.strip_suffix(']')).unwrap_or(part)).collect()
}
