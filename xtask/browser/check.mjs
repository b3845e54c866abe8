// Drives pages in a headless browser and says what is wrong with them: `cargo xtask browser` starts it.
//
// usage: node check.mjs CONFIG.json, with
//   {"library": folder of playwright-core, "chromium": program, "pages": [file, ...], "book": folder or null, "shots": folder or null,
//    "broken": folder for the pages that are broken on purpose}
//
// The last line says how many checks were made. Exit code 1: a page is refused, or a broken page was not.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

import { look } from "./look.mjs";
import { selfCheck } from "./broken.mjs";
import { lookAtPage, openViews, pagesOf, viewsOf } from "./book.mjs";
import { bookSelfCheck } from "./broken_book.mjs";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { chromium } = createRequire(import.meta.url)(config.library);

const browser = await chromium.launch({
  executablePath: config.chromium,
  headless: true,
  // What a check in a container needs, and what keeps the browser from talking on its own account.
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
let refused = 0, checks = 0;
try {
  console.log(`browser: ${browser.version()}`);
  const proof = await selfCheck(browser, config.broken);
  checks += proof.checks;
  refused += proof.problems.length;
  proof.problems.forEach((problem) => console.log(`self-check: ${problem}`));
  if (proof.problems.length === 0) console.log(`self-check: ${proof.checks} pages that are broken on purpose were refused`);
  if (config.book) {
    const proof = await bookSelfCheck(browser, config.broken);
    checks += proof.checks;
    refused += proof.problems.length;
    proof.problems.forEach((problem) => console.log(`self-check of the book: ${problem}`));
    if (proof.problems.length === 0) console.log(`self-check of the book: ${proof.checks} pages that are broken on purpose were refused`);
    const opened = await openViews(browser);
    for (const page of pagesOf(config.book)) {
      const found = await lookAtPage(opened, page, { shots: config.shots, views: viewsOf(page) });
      checks += found.checks;
      refused += found.problems.length;
      const name = path.relative(config.book, page);
      console.log(`${name}: ${found.checks} checks, ${found.figures} figures and quizzes, ${found.problems.length} problems`);
      found.problems.forEach((problem) => console.log(`  ${problem}`));
    }
  }
  for (const page of config.pages) {
    const found = await look(browser, page, { shots: config.shots });
    checks += found.checks;
    refused += found.problems.length;
    console.log(`${path.basename(page)}: ${found.checks} checks, ${found.problems.length} problems`);
    found.problems.forEach((problem) => console.log(`  ${problem}`));
  }
} finally {
  await browser.close();
}
console.log(`${checks} checks, ${refused} problems`);
process.exitCode = refused > 0 ? 1 : 0;
