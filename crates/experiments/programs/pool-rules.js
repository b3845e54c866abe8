// How many pool threads exist after a burst of jobs, under the UV_THREADPOOL_SIZE of this process.
'use strict';
const fs = require('fs');

const BURST = 1100; // More than the largest pool has threads.

function threads() {
  return new Set(fs.readdirSync('/proc/self/task'));
}

function fresh() {
  return [...threads()].filter((id) => !before.has(id)).length;
}

let before = new Set();

function main() {
  before = threads();
  fs.stat('/', () => {
    console.log(`FIGURE threads_after_first_job ${fresh()}`);
    let left = BURST;
    for (let job = 0; job < BURST; job += 1) {
      fs.stat('/', () => {
        left -= 1;
        if (left === 0) console.log(`FIGURE pool_threads ${fresh()}`);
      });
    }
  });
}

if (fs.existsSync('/proc/self/task')) main();
else console.log('FACT not_measured Linux only: nothing else lists the threads of a process');
