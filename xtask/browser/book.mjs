// Looks at the pages of a built book: all of both editions, wide and on a phone, light, dark, printed and without scripts.
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { brightness, contrast, dangling, nameless, overflow } from "./rules.mjs";
import { plain, policies, printed, quizzes, steps, themes } from "./figures.mjs";

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const VIEWS = [
  { name: "light", viewport: WIDE, colorScheme: "light", tries: [steps, policies, quizzes, printed, themes] },
  { name: "dark", viewport: WIDE, colorScheme: "dark", tries: [] },
  { name: "phone", viewport: PHONE, colorScheme: "light", hasTouch: true, isMobile: true, tries: [steps, firstQuiz] },
  { name: "plain", viewport: WIDE, colorScheme: "light", javaScriptEnabled: false, tries: [plain] },
];
/** That a quiz is in reach of a finger is seen on the first one of a page; each was answered on the wide page. */
function firstQuiz(page) {
  return quizzes(page, 1);
}

/** Pages that are no chapters: what mdBook makes of all chapters at once, of the table of contents, and of no page. */
const NO_CHAPTERS = ["print.html", "toc.html", "404.html"];

/** What holds of the text of a page; the frame around it is mdBook's. */
const RULES = [overflow, (page) => nameless(page, "main"), (page) => dangling(page, "main"), contrast];

/** The pages of the editions below a folder, or of the one edition that the folder is. */
export function pagesOf(folder) {
  const below = readdirSync(folder, { withFileTypes: true });
  const editions = below.filter((one) => one.isDirectory() && ["en", "ko"].includes(one.name)).map((one) => path.join(folder, one.name));
  return (editions.length > 0 ? editions : [folder]).flatMap((edition) => readdirSync(edition)
    .filter((name) => name.endsWith(".html") && !NO_CHAPTERS.includes(name)).sort().map((name) => path.join(edition, name)));
}

/**
 * The views in which a page is looked at. That the book is dark where the system is, is seen on its first page; each page is
 * looked at in the dark theme, too. Without scripts only figures and quizzes differ.
 */
export function viewsOf(file) {
  const isFirst = path.basename(file) === "index.html";
  const changes = /class="[^"]*\b(lab-figure|quiz)\b/.test(readFileSync(file, "utf8"));
  return ["light", "phone", ...(isFirst ? ["dark"] : []), ...(isFirst || changes ? ["plain"] : [])];
}

/** The views in which pages are looked at. They are opened once, for a view costs more than a page in it. */
export async function openViews(browser) {
  const opened = new Map();
  for (const { name, tries, ...view } of VIEWS) {
    const context = await browser.newContext({ ...view, deviceScaleFactor: 1, reducedMotion: "reduce" });
    opened.set(name, { name, tries, view, context });
  }
  return opened;
}

/** Everything that is wrong with a page of a book in these of the views, as sentences, and how many checks were made. */
export async function lookAtPage(opened, file, { shots = null, views = [...opened.keys()] } = {}) {
  const problems = new Set();
  const home = pathToFileURL(path.resolve(path.dirname(file))).href + "/";
  let checks = 0, figures = 0;
  for (const { name, tries, view, context } of views.map((name) => opened.get(name))) {
    const page = await context.newPage();
    const say = (problem) => problems.add(`${name}: ${problem}`);
    try {
      page.setDefaultTimeout(5_000);
      await page.route("**/*", (route) => {
        const url = route.request().url();
        if (url.startsWith(home) || url.startsWith("data:")) return route.continue();
        problems.add(`a request leaves the book: ${url}`);
        return route.abort();
      });
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) say(`console ${message.type()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => say(`exception: ${error.message}`));
      await page.goto(pathToFileURL(path.resolve(file)).href, { waitUntil: "load" });
      // A page without scripts has no frames to be told of.
      if (view.javaScriptEnabled !== false) {
        // Letters of their own come after the load, and move what is beside them.
        await page.evaluate(() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))));
      }
      figures = Math.max(figures, await page.locator("figure.lab-figure, .quiz").count());
      for (const rule of [...RULES, ...tries]) {
        const found = await rule(page).catch((error) => ({ checks: 1, problems: [`${rule.name}: ${error.message.split("\n")[0]}`] }));
        checks += found.checks;
        found.problems.forEach(say);
      }
      checks += 3; // The console, the network and the brightness.
      const light = await brightness(page);
      if (view.colorScheme === "dark" ? light >= 0.3 : light <= 0.7) say(`the background is ${light} bright, of 0 to 1`);
      // Afterwards, so that the figures are shown in the middle of their story.
      if (shots && figures > 0) {
        await page.evaluate(() => window.scrollTo(0, 0));
        mkdirSync(shots, { recursive: true });
        const edition = path.basename(path.dirname(file));
        await page.screenshot({ path: path.join(shots, `book-${edition}-${path.basename(file, ".html")}.${name}.png`), fullPage: true });
      }
    } finally {
      await page.close();
    }
  }
  return { checks, figures, problems: [...problems] };
}
