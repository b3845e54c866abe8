// An echo on the main thread and a client on a worker thread that asks again as soon as it was answered.
'use strict';
const net = require('net');
const { Worker } = require('worker_threads');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const now = () => Number(process.hrtime.bigint()) / 1e6;
const figure = (metric, ...numbers) => numbers.length && console.log(`FIGURE ${metric} ${numbers.join(' ')}`);

const WARM = 3; // The act begins with this answer.

const CLIENT = `
const net = require('net');
const { parentPort, workerData } = require('worker_threads');
const now = () => Number(process.hrtime.bigint()) / 1e6;
const pings = [];
let sent = 0;
const socket = net.connect(workerData, '127.0.0.1');
const ask = () => { sent = now(); socket.write('?'); };
socket.setNoDelay(true);
socket.on('connect', ask);
socket.on('data', () => { pings.push([sent, now()]); ask(); });
socket.on('error', () => {});
socket.on('close', () => parentPort.postMessage(pings));
`;

// Runs act(span) beside the echo and prints what was served meanwhile, what was asked, and how long that waited.
function watch(act) {
  let answered = 0;
  let begun = null;
  let ended = null;
  const span = { begin() { begun = answered; }, end() { ended = { at: now(), answered }; } };
  const report = (pings) => {
    // Answers come in the order of the pings: these were not answered before the begin.
    const asked = pings.slice(begun).filter(([sent]) => sent <= ended.at);
    if (asked.length === 0) return; // The client did not get a processor: nothing was measured.
    figure('served', ended.answered - begun);
    figure('asked', asked.length);
    figure('wait_ms', ...asked.map(([sent, got]) => got - sent));
  };
  const server = net.createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      socket.write(bytes);
      answered += 1;
      if (answered === WARM) {
        span.begin();
        act(span);
      } else if (ended) {
        socket.destroy();
        server.close();
      }
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const client = new Worker(CLIENT, { eval: true, workerData: server.address().port });
    client.on('message', report);
  });
}

