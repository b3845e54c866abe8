// Reads of a small file beside slow jobs in libuv's pool: cell=alone, "beside look-ups" or "beside opens".
//
// A slow job blocks its thread in open(2) of a FIFO that has no writer. As an open that is fs.open. As a look-up it is
// dns.lookup: getaddrinfo reads the file that HOSTALIASES names, and that is the FIFO. A child does all this, and is killed
// while its threads are still blocked, so no question ever goes out to a name server.
'use strict';
const { spawn, execFileSync } = require('child_process');
const dns = require('dns');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { performance } = require('perf_hooks');

const THREADS = 4;
const SLOW_JOBS = 8;
const READS = 4;
const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));

if (words.role === 'child') child();
else main();

function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'slow-lane-'));
  const [fifo, file] = [path.join(folder, 'fifo'), path.join(folder, 'file')];
  execFileSync('mkfifo', [fifo]);
  fs.writeFileSync(file, Buffer.alloc(4096));
  // `invalid` is a domain that no name server may know; it is asked only where HOSTALIASES is not read.
  const env = {
    ...process.env, UV_THREADPOOL_SIZE: String(THREADS), HOSTALIASES: fifo, LOCALDOMAIN: 'invalid', RES_OPTIONS: 'timeout:1 attempts:1',
  };
  const told = ['role=child', `cell=${words.cell}`, `hold_ms=${words.hold_ms}`, `fifo=${fifo}`, `file=${file}`];
  const other = spawn(process.execPath, [__filename, ...told], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  other.stdout.on('data', (text) => {
    said += text;
    if (said.endsWith('END\n')) other.kill('SIGKILL');
  });
  other.on('close', () => {
    fs.rmSync(folder, { recursive: true });
    if (!said.endsWith('END\n')) throw new Error(`the child said ${said}`);
    process.stdout.write(said.slice(0, -'END\n'.length));
  });
}

function child() {
  let slowDone = 0;
  const slow = () => { slowDone += 1; };
  for (let index = 0; index < SLOW_JOBS; index += 1) {
    if (words.cell === 'beside look-ups') dns.lookup(`slow${index}`, slow);
    if (words.cell === 'beside opens') fs.open(words.fifo, 'r', slow);
  }
  const took = [];
  const begun = performance.now();
  let hold;
  const end = () => {
    clearTimeout(hold);
    if (slowDone > 0) {
      fs.writeSync(1, 'FACT slow_jobs they do not block here\nEND\n');
      return;
    }
    if (took.length > 0) fs.writeSync(1, `FIGURE read_ms ${took.join(' ')}\n`);
    fs.writeSync(1, `FIGURE reads_behind ${READS - took.length}\nEND\n`);
  };
  hold = setTimeout(end, Number(words.hold_ms));
  for (let index = 0; index < READS; index += 1) {
    fs.readFile(words.file, (error) => {
      if (error) throw error;
      took.push(performance.now() - begun);
      if (took.length === READS) end();
    });
  }
}
