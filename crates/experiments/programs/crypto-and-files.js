// pbkdf2, reading and parsing of a file, on the loop's thread or in the pool, beside the echo. One cell for each run.
const fs = require('fs');
const crypto = require('crypto');

const length = Number(words.work_ms);
const derive = (count) => crypto.pbkdf2Sync('password', 'salt', count, 64, 'sha512');

function calibrated() {
  let best = Infinity;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const begun = now();
    derive(5000);
    best = Math.min(best, (now() - begun) / 5000);
  }
  return Math.max(1, Math.round(length / best));
}

function againAndAgain(piece) {
  const begun = now();
  while (now() - begun < length) piece();
}

const iterations = words.cell.startsWith('pbkdf2') ? calibrated() : 0;

const acts = {
  'pbkdf2 on the loop': (span) => {
    derive(iterations);
    span.end();
  },
  'pbkdf2 in the pool': (span) => {
    crypto.pbkdf2('password', 'salt', iterations, 64, 'sha512', () => span.end());
  },
  'reads on the loop': (span) => {
    againAndAgain(() => fs.readFileSync(words.file));
    span.end();
  },
  'reads in the pool': (span) => {
    const begun = now();
    const read = () => fs.readFile(words.file, (error) => {
      if (error) throw error;
      if (now() - begun < length) read();
      else span.end();
    });
    read();
  },
  'parsing on the loop': (span) => {
    fs.readFile(words.file, 'utf8', (error, text) => {
      if (error) throw error;
      span.begin();
      againAndAgain(() => JSON.parse(text));
      span.end();
    });
  },
};

watch(acts[words.cell]);
