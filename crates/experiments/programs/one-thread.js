// Which threads has this process, and what runs on them? One cell: the mixed load, the first use of the pool, or one kind.
//
// /proc/thread-self says on which thread the code that reads it runs; /proc/self/task lists the threads of the process. Both
// are Linux only: elsewhere Node's own number of the thread is taken, and cells that need the list say that they cannot.
'use strict';
const crypto = require('crypto');
const dns = require('dns');
const fs = require('fs');
const http = require('http');
const { promisify } = require('util');
const { threadId } = require('worker_threads');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const FILE = '/etc/hosts';
const NAME = 'localhost';
const ITERATIONS = 200;
const BYTES = 4096;
const BURST = 16; // More jobs at once than the pool has threads.
const WORK_NS = 30000n; // How long a callback of the mixed load computes.
const CHAINS = 4;
const LOOKS = 5000;

const sleep = promisify(setTimeout);

const THREAD_FILE = '/proc/thread-self';
const kernelTells = fs.existsSync(THREAD_FILE);

function thread() {
  return kernelTells ? fs.readlinkSync(THREAD_FILE) : `thread ${threadId}`;
}

// The threads of this process: number, name, whether it waits, how often it gave its processor up to wait.
function threads() {
  const list = new Map();
  for (const id of fs.readdirSync('/proc/self/task')) {
    try {
      const stat = fs.readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
      const status = fs.readFileSync(`/proc/self/task/${id}/status`, 'utf8');
      list.set(id, {
        name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
        asleep: stat.slice(stat.lastIndexOf(')') + 2).startsWith('S'),
        sleeps: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1]),
      });
    } catch {
      // A thread that has ended meanwhile is none.
    }
  }
  return list;
}

function started(before, after) {
  return [...after].filter(([id]) => !before.has(id)).map(([, thread]) => thread);
}

function names(list) {
  return list.map((thread) => thread.name).sort().join(', ') || 'none';
}

const begun = kernelTells ? threads() : new Map();

// --- the mixed load

function mixed() {
  const length = Math.ceil(Number(words.each || 60) / CHAINS);
  const here = thread();
  const stamps = [];
  let open = 8 * CHAINS;

  // A callback: it is inside from its first line to its last, with everything that `body` asks for.
  let inside = 0;
  const callback = (kind, body) => {
    const from = process.hrtime.bigint();
    const around = inside;
    inside += 1;
    while (process.hrtime.bigint() - from < WORK_NS);
    if (body) body();
    inside = around;
    stamps.push({ kind, thread: thread(), around, from, until: process.hrtime.bigint() });
  };
  const end = () => {
    open -= 1;
    if (open > 0) return;
    agent.destroy();
    server.close(report);
  };
  const timers = (left) => setTimeout(() => callback('timer', () => {
    if (left > 1) timers(left - 1);
    else end();
  }), 1);
  const immediates = (left) => setImmediate(() => callback('immediate', () => {
    process.nextTick(() => callback('tick'));
    queueMicrotask(() => callback('microtask'));
    if (left > 1) immediates(left - 1);
    else end();
  }));
  const requests = (left, kind, request) => request((error) => callback(kind, () => {
    if (error) throw error;
    if (left > 1) requests(left - 1, kind, request);
    else end();
  }));
  const promises = async () => {
    for (let index = 0; index < length; index += 1) {
      await null;
      callback('promise');
    }
    end();
  };
  const agent = new http.Agent({ keepAlive: true });
  const client = (left) => http.get({ host: '127.0.0.1', port: server.address().port, agent }, (answer) => {
    answer.resume().on('end', () => {
      if (left > 1) client(left - 1);
      else end();
    });
  });
  const report = () => {
    const counts = {};
    for (const kind of ['http', 'timer', 'immediate', 'tick', 'microtask', 'promise', 'fs', 'dns', 'crypto']) {
      counts[kind] = stamps.filter((one) => one.kind === kind).length;
    }
    stamps.sort((one, two) => (one.from < two.from ? -1 : 1));
    let overlaps = 0;
    let busyUntil = 0n;
    for (const { from, until } of stamps) {
      if (from < busyUntil) overlaps += 1;
      if (until > busyUntil) busyUntil = until;
    }
    console.log(`FIGURE callbacks ${stamps.length}`);
    console.log(`FIGURE elsewhere ${stamps.filter((one) => one.thread !== here).length}`);
    console.log(`FIGURE overlaps ${overlaps}`);
    console.log(`FIGURE nested ${stamps.filter((one) => one.around > 0).length}`);
    console.log(`FIGURE fewest_of_a_kind ${Math.min(...Object.values(counts))}`);
    console.log(`FACT kinds ${Object.keys(counts).sort().join(', ')}`);
  };
  const server = http.createServer((request, response) => {
    callback('http', () => response.end('pong'));
  });
  server.listen(0, '127.0.0.1', () => {
    for (let chain = 0; chain < CHAINS; chain += 1) {
      timers(length);
      immediates(length);
      requests(length, 'fs', (done) => fs.readFile(FILE, done));
      requests(length, 'dns', (done) => dns.lookup(NAME, done));
      requests(length, 'crypto', (done) => crypto.pbkdf2('password', 'salt', ITERATIONS, 64, 'sha512', done));
      requests(1, 'crypto', (done) => crypto.randomBytes(BYTES, done));
      promises();
      client(length);
    }
  });
}

// --- the first use of the pool

async function firstUse() {
  for (let index = 0; index < 5; index += 1) await sleep(1);
  const before = threads();
  await Promise.all(Array.from({ length: BURST }, () => promisify(fs.stat)('/')));
  const pool = started(before, threads());
  console.log(`FIGURE pool_threads_before ${started(begun, before).length}`);
  console.log(`FIGURE pool_threads ${pool.length}`);
  console.log(`FIGURE other_threads ${before.size - 1}`);
  console.log(`FACT threads_before ${names([...before.values()])}`);
  console.log(`FACT pool_names ${names(pool)}`);
}

// --- one kind of request, one after another

const agent = new http.Agent({ keepAlive: true });
let port = 0;

const KINDS = {
  'read a file': () => promisify(fs.readFile)(FILE),
  'look up a name': () => promisify(dns.lookup)(NAME),
  pbkdf2: () => promisify(crypto.pbkdf2)('password', 'salt', ITERATIONS, 64, 'sha512'),
  'random bytes': () => promisify(crypto.randomBytes)(BYTES),
  'read a file, sync': () => fs.readFileSync(FILE),
  'pbkdf2, sync': () => crypto.pbkdf2Sync('password', 'salt', ITERATIONS, 64, 'sha512'),
  http: () => new Promise((done, failed) => {
    http.get({ host: '127.0.0.1', port, agent }, (answer) => answer.resume().on('end', done)).on('error', failed);
  }),
  timer: () => sleep(1),
};

// The new threads, when all of them sleep.
async function asleep() {
  for (let look = 0; look < LOOKS; look += 1) {
    const list = started(begun, threads());
    if (list.every((thread) => thread.asleep)) return list;
    await sleep(1);
  }
  throw new Error('a pool thread does not fall asleep although nothing is to do');
}

async function oneKind(kind) {
  const server = http.createServer((request, response) => response.end('pong'));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  port = server.address().port;
  const requests = Number(words.requests || 15);
  let list = [];
  for (let index = 0; index < requests; index += 1) {
    await KINDS[kind]();
    list = await asleep();
  }
  console.log(`FIGURE threads_started ${list.length}`);
  console.log(`FIGURE pool_wakes ${list.reduce((sum, thread) => sum + thread.sleeps, 0) / requests}`);
  agent.destroy();
  server.close();
}

if (words.cell === 'mixed') mixed();
else if (!kernelTells) console.log('FACT not_measured Linux only: nothing else lists the threads of a process');
else if (words.cell === 'first use') firstUse();
else oneKind(words.cell);
