// A task that a timer runs again and again, on the loop's thread or in the pool; it says each time where it runs.
//
// It ends with its standard input, or when it is killed.
'use strict';
const fs = require('fs');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const say = (line) => fs.writeSync(1, `${line}\n`);
const at = () => process.hrtime.bigint();

// `PID/task/TID` of the thread that asks; `PID` where there is no /proc.
const where = (path) => [process.pid, String(path).split('/')[2] || 1];

process.stdin.resume();
process.stdin.on('end', () => process.exit());

function here() {
  try {
    return fs.readlinkSync('/proc/thread-self');
  } catch {
    return '';
  }
}

function threads() {
  try {
    return fs.readdirSync('/proc/self/task').length;
  } catch {
    return 0;
  }
}

say(`PLANNED ${where(here()).join(' ')} ${threads()} main`);
setInterval(() => {
  if (words.cell === 'pool') {
    // The request is done by a thread of the pool, which is the one that it finds there.
    fs.readlink('/proc/thread-self', (error, path) => {
      if (!error) say(`RAN ${where(path).join(' ')} ${threads()} ${at()} libuv-worker`);
    });
  } else {
    say(`RAN ${where(here()).join(' ')} ${threads()} ${at()} main`);
  }
}, Number(words.every_ms));
