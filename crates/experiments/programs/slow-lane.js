// Reads of a small file beside slow jobs in libuv's pool: cell=alone, "beside look-ups" or "beside opens".
//
// A slow job blocks its thread in open(2) of a FIFO that nobody opens for writing: fifo=PATH, and file=PATH is the small file.
// As file work it is fs.readFile of the FIFO. As a look-up it is dns.lookup: getaddrinfo reads the file that HOSTALIASES
// names, and that is the FIFO. A child does all this, and is killed while its threads are still blocked, so no question
// ever goes out to a name server.
'use strict';
const { spawn } = require('child_process');
const dns = require('dns');
const fs = require('fs');
const { performance } = require('perf_hooks');

const THREADS = 4;
const SLOW_JOBS = 8;
const READS = 4;
const LOOKS = 4; // Reads that should end get so many times hold_ms.
const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));

if (words.role === 'child') child();
else main();

function main() {
  // `invalid` is a domain that no name server may know; it is asked only where HOSTALIASES is not read.
  const env = {
    ...process.env,
    UV_THREADPOOL_SIZE: String(THREADS),
    HOSTALIASES: words.fifo,
    LOCALDOMAIN: 'invalid',
    RES_OPTIONS: 'timeout:1 attempts:1',
  };
  const told = ['role=child', ...process.argv.slice(2)];
  const other = spawn(process.execPath, [__filename, ...told], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  other.stdout.on('data', (text) => {
    said += text;
    if (said.endsWith('END\n')) other.kill('SIGKILL');
  });
  other.on('close', () => {
    if (!said.endsWith('END\n')) throw new Error(`the child said ${said}`);
    process.stdout.write(said.slice(0, -'END\n'.length));
  });
}

function child() {
  const slowJobs = words.cell === 'alone' ? 0 : SLOW_JOBS;
  let slowEnded = 0;
  const slow = () => { slowEnded += 1; };
  for (let index = 0; index < slowJobs; index += 1) {
    if (words.cell === 'beside look-ups') dns.lookup(`slow${index}`, slow);
    else fs.readFile(words.fifo, slow);
  }
  const took = [];
  const begun = performance.now();
  const end = () => {
    clearInterval(hold);
    let said = 'FACT not_measured slow jobs do not block on this system\n';
    if (slowEnded === 0) {
      said = `FIGURE reads_behind ${READS - took.length}\n`;
      if (took.length > 0) said += `FIGURE read_ms ${took.join(' ')}\n`;
    }
    fs.writeSync(1, `${said}END\n`);
  };
  // Beside slow jobs the whole time is looked at, because those that do not block must have ended by then.
  let looks = 0;
  const lastLook = words.cell === 'beside opens' ? 1 : LOOKS;
  const hold = setInterval(() => {
    looks += 1;
    if (looks === lastLook || took.length === READS) end();
  }, Number(words.hold_ms));
  for (let index = 0; index < READS; index += 1) {
    fs.readFile(words.file, (error) => {
      if (error) throw error;
      took.push(performance.now() - begun);
      if (slowJobs === 0 && took.length === READS) end();
    });
  }
}
