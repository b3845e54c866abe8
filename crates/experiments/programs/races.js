// A counter without a lock: counted by callbacks, by callbacks after jobs of the pool, and by tasks that wait.
'use strict';
const crypto = require('crypto');
const { setImmediate: immediate } = require('timers/promises');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const number = (name) => Number(words[name]);

let counter = 0;
let updates = 0;

function callbacks(left) {
  const now = Math.min(left, number('batch'));
  for (let index = 0; index < now; index += 1) setImmediate(() => { counter += 1; });
  if (left > now) setImmediate(() => callbacks(left - now));
}

function pool(jobs) {
  for (let index = 0; index < jobs; index += 1) crypto.randomFill(Buffer.alloc(8), () => { counter += 1; });
}

async function readAfterAwait() {
  for (let index = 0; index < number('updates'); index += 1) {
    await immediate();
    const value = counter;
    counter = value + 1;
  }
}

async function awaitBetween() {
  for (let index = 0; index < number('updates'); index += 1) {
    const value = counter;
    await immediate();
    counter = value + 1;
  }
}

function twice(task) {
  updates = 2 * number('updates');
  task();
  task();
}

process.on('exit', () => {
  console.log(`FIGURE updates ${updates}`);
  console.log(`FIGURE lost ${updates - counter}`);
});

switch (words.cell) {
  case 'callbacks': updates = number('callbacks'); callbacks(updates); break;
  case 'pool': updates = number('jobs'); pool(updates); break;
  case 'read after await': twice(readAfterAwait); break;
  case 'await between': twice(awaitBetween); break;
  default: throw new Error(`no cell is called ${words.cell}`);
}
