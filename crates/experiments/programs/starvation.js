// A server with four routes: /ping, and the same work on the loop's thread (/block), in the pool (/offload) and on the
// loop's thread in pieces (/chunked). /asked says how many iterations a heavy request does. Prints PORT and serves.
'use strict';
const http = require('http');
const crypto = require('crypto');
const { performance } = require('perf_hooks');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const chunkMs = Number(words.chunk_us || 500) / 1000;
const { perMs, spread } = calibrated();

function burn(count) {
  return crypto.pbkdf2Sync('password', 'salt', count, 64, 'sha512');
}

// Iterations that take a millisecond: a fast one of many short tries, because others can only make a try slower.
function calibrated() {
  let amount = 16;
  while (timed(amount) < 3) amount *= 2;
  const took = Array.from({ length: 51 }, () => timed(amount)).sort((a, b) => a - b);
  return { perMs: amount / took[5], spread: (took[25] - took[5]) / took[5] };
}

function timed(count) {
  const begun = performance.now();
  burn(count);
  return performance.now() - begun;
}

function iterationsOf(ms) {
  return Math.max(1, Math.round(perMs * ms));
}

// One piece, then everybody else's turn.
function inPieces(total, done) {
  const count = Math.ceil(total / iterationsOf(chunkMs));
  let piece = 0;
  const next = () => {
    if (piece === count) return done();
    burn(Math.floor((total * (piece + 1)) / count) - Math.floor((total * piece) / count));
    piece += 1;
    return setImmediate(next);
  };
  next();
}

const server = http.createServer((request, response) => {
  const reply = (text) => {
    response.writeHead(200, { 'content-length': Buffer.byteLength(text) });
    response.end(text);
  };
  const [path, query] = request.url.split('?');
  const iterations = iterationsOf(Number((query || '').replace('ms=', '')) || 200);
  const begun = performance.now();
  const done = () => reply(JSON.stringify({ iterations, work_ms: performance.now() - begun }));
  if (path === '/ping') {
    reply('pong');
  } else if (path === '/block') {
    burn(iterations);
    done();
  } else if (path === '/offload') {
    crypto.pbkdf2('password', 'salt', iterations, 64, 'sha512', done);
  } else if (path === '/chunked') {
    inPieces(iterations, done);
  } else if (path === '/asked') {
    reply(JSON.stringify({ iterations, spread }));
  } else {
    response.writeHead(404, { 'content-length': 0 });
    response.end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(`PORT ${server.address().port}`));
