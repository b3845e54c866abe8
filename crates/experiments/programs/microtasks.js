// A chain of links that each queue the next one, for a while: without a yield, or with one between the links.
const { setImmediate: immediate } = require('timers/promises');

const TIMER_MS = 5;

watch((span) => {
  let links = 0;
  let fired = 0;
  const timer = setInterval(() => { fired += 1; }, TIMER_MS);
  const end = now() + Number(words.chain_ms);
  const goesOn = () => {
    links += 1;
    if (now() < end) return true;
    figure('links', links);
    figure('fired', fired);
    clearInterval(timer);
    span.end();
    return false;
  };
  const queue = {
    microtasks: queueMicrotask,
    'next ticks': process.nextTick,
    'yield by immediates': setImmediate,
  }[words.cell];
  const link = () => { if (goesOn()) queue(link); };
  const task = async () => { while (goesOn()) await immediate(); };
  if (words.cell === 'yield by tasks') task();
  else queue(link);
});
