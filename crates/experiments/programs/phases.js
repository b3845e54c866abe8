// In which order do callbacks come: the cycle of a program that has I/O, a timer and jobs in every pass, and small puzzles.
'use strict';
const fs = require('fs');
const net = require('net');
const { performance } = require('perf_hooks');
const { threadId } = require('worker_threads');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));

function stall(ms) {
  const begun = performance.now();
  while (performance.now() - begun < ms);
}

// The thread that runs this: told by the kernel where it has /proc (Linux), else by Node's own number.
const THREAD_FILE = '/proc/thread-self';
const kernelTells = fs.existsSync(THREAD_FILE);

function thread() {
  return kernelTells ? fs.readlinkSync(THREAD_FILE) : `thread ${threadId}`;
}

// --- the cycle

// libuv moved its timers in 1.45; a Node has one of the two orders and says nothing for the other.
function ownOrder() {
  const [major, minor] = process.versions.uv.split('.').map(Number);
  return major > 1 || minor >= 45 ? 'since 1.45' : 'before 1.45';
}

function cycle() {
  const labels = [];
  let left = Number(words.passes || 20);
  let there = null;
  const byte = () => {
    labels.push('io');
    left -= 1;
    queueMicrotask(() => labels.push('job'));
    setImmediate(() => labels.push('immediate'));
    setTimeout(() => {
      labels.push('timer');
      if (left > 0) there.write('x');
      else there.end();
    }, 0);
    stall(2);
  };
  const server = net.createServer((socket) => {
    server.close();
    socket.on('data', byte);
    socket.on('end', report);
  });
  const report = () => {
    const begins = labels.flatMap((label, index) => (label === 'io' ? [index] : []));
    const cycles = begins.slice(1).map((end, index) => labels.slice(begins[index], end).join(', '));
    console.log(`FIGURE cycles ${cycles.length}`);
    for (const order of new Set(cycles)) console.log(`FACT cycle ${order}`);
  };
  server.listen(0, '127.0.0.1', () => {
    there = net.connect(server.address().port, '127.0.0.1', () => there.write('x'));
    there.setNoDelay(true);
  });
}

// --- the puzzles

const SOON = 3;
const STALL = 6;
const labels = [];
const waited = [];
let callbacks = 0; // Callbacks that have begun; ticks and jobs are none.
let inside = true; // Whether a callback, a tick or the main program runs.
let jobs = 0;
let elsewhere = 0;
const here = thread();

function nothing() {}

function run(label, body) {
  labels.push(label);
  inside = true;
  body();
  inside = false;
}

function callback(label, body) {
  return () => {
    callbacks += 1;
    run(label, body);
  };
}

const timer = (ms, label, body) => setTimeout(callback(label, body), ms);
const immediate = (label, body) => setImmediate(callback(label, body));
const io = (label, body) => fs.stat('/', callback(label, body));
const tick = (label, body) => process.nextTick(() => run(label, body));

// What a promise job notes when it runs.
function noted(label, body, queuedAt) {
  jobs += 1;
  if (inside || thread() !== here) elsewhere += 1;
  waited.push(callbacks - queuedAt);
  run(label, body);
}

function job(label, body) {
  const queuedAt = callbacks;
  Promise.resolve().then(() => noted(label, body, queuedAt));
}

const PUZZLES = {
  'by the main program': () => {
    timer(0, 'timer', nothing);
    immediate('immediate', nothing);
    job('job', nothing);
    tick('tick', nothing);
    labels.push('main');
    stall(STALL);
  },
  'by I/O': () => io('io', () => {
    timer(0, 'timer', nothing);
    immediate('immediate', nothing);
    job('job', nothing);
    tick('tick', nothing);
    stall(STALL);
  }),
  'by two due timers': () => {
    timer(SOON, 'first', () => {
      job('first job', nothing);
      tick('first tick', nothing);
    });
    timer(SOON, 'second', () => {
      job('second job', nothing);
      tick('second tick', nothing);
    });
    stall(STALL);
  },
  'by ticks and jobs in turn': () => {
    tick('tick 1', () => {
      job('job 1', () => {
        tick('tick 2', () => job('job 2', () => tick('tick 3', nothing)));
      });
      job('job also', nothing);
    });
    job('job 0', () => tick('tick also', nothing));
  },
  'by a chain of promises': () => {
    immediate('first', () => {
      const queuedAt = callbacks;
      const hop = (number) => () => noted(`hop ${number}`, nothing, queuedAt);
      Promise.resolve().then(hop(1)).then(hop(2)).then(hop(3));
    });
    immediate('second', nothing);
  },
};

if (words.cell in PUZZLES) {
  PUZZLES[words.cell]();
  inside = false;
  process.on('exit', () => {
    console.log(`FACT order ${labels.join(', ')}`);
    console.log(`FIGURE jobs ${jobs}`);
    console.log(`FIGURE jobs_elsewhere ${elsewhere}`);
    console.log(`FIGURE callbacks_before_job ${waited.join(' ')}`);
  });
} else if (words.cell === ownOrder()) {
  cycle();
}
