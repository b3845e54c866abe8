// Jobs in libuv's pool, each cell in a process of its own: cell="JOBS computing on THREADS" or "JOBS waiting on THREADS".
//
// A job that computes is one pbkdf2. A job that waits is one copyFile from a FIFO to a FIFO, which is one job in the pool:
// it blocks in open(2) until the device, another process, opens the source, and again until it opens the destination,
// wait_ms later. A FIFO cannot be truncated, so the copy ends with EINVAL, after all that waiting: that is expected here.
// The FIFOs are in folder=PATH, stay there, and are used again by the next run.
'use strict';
const { spawn, execFileSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { performance } = require('perf_hooks');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));

if (words.role === 'device') device();
else main();

function main() {
  const [, jobs, kind, threads] = /^(\d+) (\w+) on (\d+)$/.exec(words.cell);
  process.env.UV_THREADPOOL_SIZE = threads; // Read by libuv at its first job.
  if (kind === 'computing') {
    const ms = Number(Number(jobs) > 8 ? words.crowd_ms : words.compute_ms);
    const iterations = calibrated(ms);
    run(Number(jobs), (_index, done) => crypto.pbkdf2('password', 'salt', iterations, 64, 'sha512', done), () => {});
  } else {
    waiting(Number(jobs));
  }
}

// One job alone is the unit of all rounds: it runs five times, one after the other.
function run(jobs, job, ended, times = jobs === 1 ? 5 : 1) {
  const completions = [];
  const begun = performance.now();
  for (let index = 0; index < jobs; index += 1) {
    job(index, () => {
      completions.push(performance.now() - begun);
      if (completions.length < jobs) return;
      const wall = completions[jobs - 1];
      console.log(`FIGURE wall_ms ${wall}`);
      console.log(`FIGURE jobs_per_s ${(jobs / wall) * 1000}`);
      console.log(`FIGURE completion_ms ${completions.join(' ')}`);
      if (times > 1) run(jobs, job, ended, times - 1);
      else ended();
    });
  }
}

function calibrated(ms) {
  const tries = Array.from({ length: 15 }, () => {
    const begun = performance.now();
    crypto.pbkdf2Sync('password', 'salt', 5000, 64, 'sha512');
    return performance.now() - begun;
  });
  return Math.max(1, Math.round((ms / tries.sort((a, b) => a - b)[2]) * 5000));
}

function waiting(jobs) {
  const folder = words.folder || path.join(os.tmpdir(), 'pool-size');
  fs.mkdirSync(folder, { recursive: true });
  const names = Array.from({ length: jobs }, (_, index) => path.join(folder, String(index)));
  const missing = names.flatMap((name) => [`${name}.from`, `${name}.to`]).filter((name) => !fs.existsSync(name));
  if (missing.length > 0) execFileSync('mkfifo', missing);
  const told = ['role=device', `wait_ms=${words.wait_ms}`, `folder=${folder}`, `jobs=${jobs}`];
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(jobs) };
  const other = spawn(process.execPath, [__filename, ...told], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const copy = (index, done) =>
    fs.copyFile(`${names[index]}.from`, `${names[index]}.to`, (error) => {
      if (!error || error.code !== 'EINVAL') throw error || new Error('a FIFO was truncated');
      done();
    });
  other.stdout.once('data', () => {
    let said = '';
    other.stdout.on('data', (text) => { said += text; });
    run(jobs, copy, () => other.stdin.end());
    other.on('close', () => console.log(`FIGURE rounds ${rows(JSON.parse(said))}`));
  });
}

// The longest row of spans each of which begins after the one before it has ended.
function rows(spans) {
  spans.sort((a, b) => a.ended - b.ended);
  let [last, count] = [-Infinity, 0];
  for (const { begun, ended } of spans) {
    if (last <= begun) [last, count] = [ended, count + 1];
  }
  return count;
}

// For each job: waits until its thread has come, lets it wait for wait_ms, lets it go. In the end it says when that was.
function device() {
  const spans = [];
  const close = (error, fd) => {
    if (error) throw error;
    fs.closeSync(fd);
  };
  for (let index = 0; index < Number(words.jobs); index += 1) {
    const name = path.join(words.folder, String(index));
    fs.open(`${name}.from`, 'w', (error, fd) => {
      const begun = performance.now();
      close(error, fd);
      setTimeout(() => {
        spans.push({ begun, ended: performance.now() });
        fs.open(`${name}.to`, 'r', close);
      }, Number(words.wait_ms));
    });
  }
  process.stdin.on('end', () => process.stdout.write(JSON.stringify(spans))).resume();
  console.log('ready');
}
