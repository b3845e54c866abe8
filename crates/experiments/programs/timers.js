// Timers: how late one is on an idle loop and beside work, and how often a waiting thread wakes up. One cell for each run.
'use strict';
const fs = require('fs');
const crypto = require('crypto');
const { performance } = require('perf_hooks');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const now = () => Number(process.hrtime.bigint()) / 1e6;
const figure = (metric, ...numbers) => numbers.length && console.log(`FIGURE ${metric} ${numbers.join(' ')}`);

function calls(loaded) {
  const [delay, count, length] = [words.delay_ms, words.calls, words.work_ms].map(Number);
  const late = [];
  const took = [];
  let working = false;
  let during = 0;
  const work = () => {
    const begun = now();
    working = true;
    while (now() - begun < length) crypto.pbkdf2Sync('password', 'salt', 50, 64, 'sha512');
    working = false;
    took.push(now() - begun);
  };
  const set = () => {
    const before = now();
    setTimeout(() => {
      late.push(now() - before - delay);
      if (working) during += 1;
      if (late.length < count) {
        set();
        if (loaded) setImmediate(work);
      }
    }, delay);
  };
  set();
  process.on('exit', () => {
    figure('late_ms', ...late);
    if (loaded) {
      figure('work_ms', ...took);
      figure('during_work', during);
    }
  });
}

// How often the main thread went to sleep by itself; only Linux tells.
function switches() {
  try {
    return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(fs.readFileSync('/proc/thread-self/status', 'utf8'))[1]);
  } catch {
    return undefined;
  }
}

// Passes of the loop; Node tells since 20.18.
const passes = () => performance.nodeTiming.uvMetricsInfo?.loopCount;

function wait(polling) {
  const due = now() + Number(words.due_ms);
  const before = { wakeups: switches(), looks: passes() };
  const report = (looks) => {
    const after = switches();
    if (looks !== undefined) figure('looks', looks);
    if (after !== undefined) figure('wakeups', after - before.wakeups);
  };
  if (!polling) {
    setTimeout(() => report(passes() === undefined ? undefined : passes() - before.looks), Number(words.due_ms));
    return;
  }
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    if (now() >= due) {
      clearInterval(timer);
      report(looks);
    }
  }, 1);
}

// The start of the runtime is over after a while; only then a thread is at rest.
const cell = words.cell;
if (cell === 'idle' || cell === 'loaded') calls(cell === 'loaded');
else setTimeout(() => wait(cell === 'polling'), 50);
