// pbkdf2, AES, one long read and parsing of a file, on the loop's thread or in the pool, beside the echo. One cell for each run.
const fs = require('fs');
const os = require('os');
const path = require('path');
const crypto = require('crypto');

const MEGABYTE = 1 << 20;
const length = Number(words.work_ms);
const derive = (count) => crypto.pbkdf2Sync('password', 'salt', count, 64, 'sha512');

function timed(work) {
  const begun = now();
  work();
  return now() - begun;
}

// The count for which `work(count)` takes that long; others can only make a try slower.
function calibrated(work, count) {
  const tries = Array.from({ length: 5 }, () => timed(() => work(count)) / count);
  return Math.max(1, Math.round(length / Math.min(...tries)));
}

function againAndAgain(piece) {
  const begun = now();
  while (now() - begun < length) piece();
}

const [key, iv] = [Buffer.alloc(32, 7), Buffer.alloc(16, 9)];

// Encrypts megabytes one after the other, as a stream.
function encryptor() {
  const cipher = crypto.createCipheriv('aes-256-ctr', key, iv);
  const piece = Buffer.alloc(MEGABYTE);
  return () => cipher.update(piece);
}

// A file that takes long to read: an open descriptor, and a buffer of its size. It has no name any more, so nothing is left.
function longFile() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'crypto-and-files-'));
  const name = path.join(folder, 'long');
  const file = fs.openSync(name, 'w+');
  fs.unlinkSync(name);
  fs.rmdirSync(folder);
  const buffer = Buffer.alloc(Number(words.read_mb) * MEGABYTE, 'x');
  fs.writeSync(file, buffer, 0, buffer.length, 0);
  return { file, buffer };
}

const acts = {
  'pbkdf2 on the loop': () => {
    const iterations = calibrated(derive, 5000);
    return (span) => {
      derive(iterations);
      span.end();
    };
  },
  'pbkdf2 in the pool': () => {
    const iterations = calibrated(derive, 5000);
    return (span) => crypto.pbkdf2('password', 'salt', iterations, 64, 'sha512', () => span.end());
  },
  'AES on the loop': () => {
    const encrypt = encryptor();
    return (span) => {
      againAndAgain(encrypt);
      span.end();
    };
  },
  // A cipher has no form with a callback: only the other interface encrypts in the pool. It copies the text first, here.
  'AES in the pool': () => {
    const encrypt = encryptor();
    const megabytes = calibrated((count) => { for (let n = 0; n < count; n += 1) encrypt(); }, 4);
    const text = Buffer.alloc(Math.min(megabytes, 512) * MEGABYTE);
    const { subtle } = crypto.webcrypto;
    return (span) => subtle.importKey('raw', key, 'AES-CTR', false, ['encrypt']).then((known) => {
      span.begin();
      return subtle.encrypt({ name: 'AES-CTR', counter: iv, length: 64 }, known, text);
    }).then(() => span.end());
  },
  'a long read on the loop': () => {
    const { file, buffer } = longFile();
    return (span) => {
      fs.readSync(file, buffer, 0, buffer.length, 0);
      span.end();
    };
  },
  'a long read in the pool': () => {
    const { file, buffer } = longFile();
    return (span) => fs.read(file, buffer, 0, buffer.length, 0, (error) => {
      if (error) throw error;
      span.end();
    });
  },
  'parsing on the loop': () => (span) => {
    fs.readFile(words.file, 'utf8', (error, text) => {
      if (error) throw error;
      span.begin();
      againAndAgain(() => JSON.parse(text));
      span.end();
    });
  },
};

watch(acts[words.cell]());
