// Sockets that are all open and talk within one loop, or one file that is read: which threads does it start?
'use strict';
const fs = require('fs');
const net = require('net');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const MESSAGE = Buffer.alloc(64, 'x');
const IN_FLIGHT = 50; // Connects at a time.
const SPARE = 60; // Descriptors that are needed besides the sockets.

function threads() {
  return new Set(fs.readdirSync('/proc/self/task'));
}

const kernelTells = fs.existsSync('/proc/self/task');
const before = kernelTells ? threads() : new Set();

function report() {
  const started = [...threads()].filter((id) => !before.has(id)).length;
  console.log(`FIGURE threads_started ${started}`);
}

// How many sockets the kernel watches for this process.
function watchedSockets() {
  const link = (fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  };
  const watched = new Set();
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    if (!link(fd).includes('[eventpoll]')) continue;
    for (const [, target] of fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').matchAll(/^tfd:\s*(\d+)/gm)) {
      if (link(target).startsWith('socket:')) watched.add(target);
    }
  }
  return watched.size;
}

// How many connections this process may have at once; Node raises its own limit when it starts.
function affordable(pairs) {
  const soft = /^Max open files\s+(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))[1];
  const allowed = soft === 'unlimited' ? Infinity : Number(soft);
  return Math.min(pairs, Math.floor((allowed - SPARE) / 2));
}

function sockets() {
  const asked = Math.floor(Number(words.sockets || 1000) / 2);
  const pairs = affordable(asked);
  console.log(`FACT limit ${pairs < asked ? 'fewer sockets than asked for' : 'none'}`);
  const exchanges = Number(words.exchanges || 10);
  const accepted = [];
  const clients = [];
  let connected = 0;
  let done = 0;

  const clientIsDone = () => {
    done += 1;
    if (done < pairs) return;
    console.log(`FIGURE sockets ${2 * done}`);
    console.log(`FIGURE watched_share ${watchedSockets() / (2 * done)}`);
    for (const socket of [...clients, ...accepted]) socket.destroy();
    server.close(report);
  };

  const talk = (client) => {
    let got = 0;
    let left = exchanges;
    client.on('data', (bytes) => {
      got += bytes.length;
      if (got < MESSAGE.length) return;
      got = 0;
      left -= 1;
      if (left === 0) clientIsDone();
      else client.write(MESSAGE);
    });
    client.write(MESSAGE);
  };

  const beginWhenAllAreThere = () => {
    if (connected === pairs && accepted.length === pairs) clients.forEach(talk);
  };

  const server = net.createServer((socket) => {
    socket.on('data', (bytes) => socket.write(bytes));
    accepted.push(socket);
    beginWhenAllAreThere();
  });
  const connect = () => {
    if (clients.length === pairs) return;
    const client = net.connect(server.address().port, '127.0.0.1', () => {
      connected += 1;
      connect();
      beginWhenAllAreThere();
    });
    clients.push(client);
  };
  server.listen(0, '127.0.0.1', 1024, () => {
    for (let number = 0; number < Math.min(IN_FLIGHT, pairs); number += 1) connect();
  });
}

if (!kernelTells) console.log('FACT not_measured Linux only: nothing else lists the threads of a process');
else if (words.cell === 'sockets') sockets();
else fs.readFile('/etc/hosts', report);
