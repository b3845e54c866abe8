// Looks at one page as its readers do: wide and on a phone, light and dark, by mouse, by keyboard and by touch.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { brightness, dangling, nameless, overflow, reachable } from "./rules.mjs";
import { filters, sorts } from "./tables.mjs";
import { moves, pinches } from "./lanes.mjs";

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

// Each view of a page: how it is called, its size, its colours, and what is tried there besides the rules.
const VIEWS = [
  { name: "light", viewport: WIDE, colorScheme: "light", tries: [sorts, filters, moves, reachable] },
  { name: "dark", viewport: WIDE, colorScheme: "dark", tries: [] },
  { name: "phone", viewport: PHONE, colorScheme: "light", hasTouch: true, isMobile: true, tries: [touchSorts, filters, pinches] },
  { name: "phone-dark", viewport: PHONE, colorScheme: "dark", hasTouch: true, isMobile: true, tries: [] },
];
/** That headers are in reach of a finger is seen on the first one; each column was sorted on the wide page. */
function touchSorts(page) {
  return sorts(page, 1);
}

const RULES = [overflow, nameless, dangling];

/** Everything that is wrong with the page in these views, as sentences, and how many checks were made. */
export async function look(browser, file, { shots = null, views = VIEWS.map((view) => view.name) } = {}) {
  const problems = new Set();
  let checks = 0;
  for (const { name, tries, ...view } of VIEWS.filter((view) => views.includes(view.name))) {
    const context = await browser.newContext({ ...view, deviceScaleFactor: 1, reducedMotion: "reduce" });
    const say = (problem) => problems.add(`${name}: ${problem}`);
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      // The context refuses what leaves the machine, so that a broken page cannot really call anybody.
      await context.route("**/*", (route) => {
        const url = route.request().url();
        if (/^(file|data):/.test(url)) return route.continue();
        problems.add(`a request leaves the machine: ${url}`);
        return route.abort();
      });
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) say(`console ${message.type()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => say(`exception: ${error.message}`));
      await page.goto(pathToFileURL(path.resolve(file)).href, { waitUntil: "load" });
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      if (shots) {
        mkdirSync(shots, { recursive: true });
        const shot = path.join(shots, `${path.basename(file, ".html")}.${name}.png`);
        await page.screenshot({ path: shot, fullPage: true });
      }
      for (const rule of [...RULES, ...tries]) {
        const found = await rule(page).catch((error) => ({ checks: 1, problems: [`${rule.name}: ${error.message.split("\n")[0]}`] }));
        checks += found.checks;
        found.problems.forEach(say);
      }
      checks += 3; // The console, the network and the brightness.
      const light = await brightness(page);
      if (view.colorScheme === "dark" ? light >= 0.3 : light <= 0.7) say(`the background is ${light} bright, of 0 to 1`);
    } finally {
      await context.close();
    }
  }
  return { checks, problems: [...problems] };
}
