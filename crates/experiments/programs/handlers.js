// A server whose handlers compute: /inline on the loop's thread, /pool on a thread of the pool. Prints PORT and serves.
//
// Each answer says when the work began and ended, in milliseconds of one clock.
'use strict';
const http = require('http');
const crypto = require('crypto');
const { performance } = require('perf_hooks');

const words = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const iterations = Number(words.iterations || 0) || calibrated(Number(words.work_ms || 50));

function burn(count) {
  return crypto.pbkdf2Sync('password', 'salt', count, 64, 'sha512');
}

function calibrated(ms) {
  let best = Infinity;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const begun = performance.now();
    burn(5000);
    best = Math.min(best, (performance.now() - begun) / 5000);
  }
  return Math.max(1, Math.round(ms / best));
}

const server = http.createServer((request, response) => {
  const begun = performance.now();
  const done = () => response.end(JSON.stringify({ begun, ended: performance.now() }));
  if (request.url === '/inline') {
    burn(iterations);
    done();
  } else if (request.url === '/pool') {
    crypto.pbkdf2('password', 'salt', iterations, 64, 'sha512', done);
  } else {
    response.statusCode = 404;
    response.end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(`PORT ${server.address().port}`));
