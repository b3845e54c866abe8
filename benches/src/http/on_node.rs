//! The peer in another language: the same two routes on Node's own http server, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};
use experiment_kit::Interrupt;
use experiment_kit::experiment::Family;
use experiment_kit::runtimes::{self, Runtime};

use crate::child::KillOnDrop;

/// It ends with its standard input, so it does not outlive this program.
const PROGRAM: &str = "
const http = require('http');
const say = (response, type, body) => {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
};
const server = http.createServer((request, response) => {
  if (request.url === '/hello') return say(response, 'text/plain; charset=utf-8', 'hello');
  const { user, system } = process.cpuUsage();
  say(response, 'application/json', JSON.stringify(
    { cpu_ns: (user + system) * 1000, passes: 0, events: 0, callbacks: 0 }));
});
server.listen(0, '127.0.0.1', () => console.log('127.0.0.1:' + server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
";

/// The Node of this machine, if there is one.
pub fn find() -> Option<Runtime> {
    runtimes::find(&[Family::Node], &Interrupt::default()).pop()
}

/// Starts the server and returns when it listens.
pub(super) fn start() -> Result<(SocketAddr, KillOnDrop)> {
    let node = find().ok_or_else(|| anyhow!("there is no Node here"))?;
    let child = Command::new(&node.path)
        .args(["-e", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", node.path.display()))?;
    let mut child = KillOnDrop(child);
    let stdout = child.0.stdout.as_mut().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let addr = line.trim().parse().with_context(|| format!("{} said {line:?}", node.name()))?;
    Ok((addr, child))
}
