// Pages that are broken on purpose, each in one way: a check that accepts one of them proves nothing.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { look } from "./look.mjs";

const STYLE = `<style>:root{color-scheme:light dark}body{background:#fff;color:#111;margin:8px}
@media (prefers-color-scheme:dark){body{background:#111;color:#eee}}:focus-visible{outline:2px solid blue}</style>`;
const page = (body) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>t</title>${STYLE}</head><body>${body}</body></html>`;

const TABLE = (className) => `<div><table class="${className}"><caption>c</caption><thead><tr><th scope="col"><button>a</button></th></tr></thead>
<tbody><tr><th>2</th></tr><tr><th>1</th></tr><tr><th>3</th></tr></tbody></table></div>`;
const VIEWER = `<div class="viewer" aria-label="v"><button aria-label="zoom in">+</button><button aria-label="zoom out">-</button>
<button aria-label="move left">l</button><button aria-label="move right">r</button><button aria-label="show all">all</button>
<button class="step">previous stall</button><button class="step">next stall</button>
<canvas tabindex="0" aria-label="c"></canvas><output>Showing 0 ms to 2.00 s of 2.00 s. Nothing moves.</output></div>`;
const SEARCH = `<div role="search" aria-label="filter: c"><label>Filter <input></label></div>`;

/** The name of a broken page, its body, what must be said of it, and the view in which that is seen, if not in light. */
const BROKEN = [
  ["console-error", '<script>console.error("wrong")</script>', "console error: wrong"],
  ["console-warning", '<script>console.warn("odd")</script>', "console warning: odd"],
  ["exception", "<script>nowhere.to.be.found()</script>", "exception: nowhere is not defined"],
  ["request", '<img alt="" aria-label="i" src="http://elsewhere.invalid/picture.png">', "a request leaves the machine: http://elsewhere.invalid/"],
  ["fetch", '<script>fetch("https://elsewhere.invalid/data").catch(() => {})</script>', "a request leaves the machine: https://elsewhere.invalid/"],
  ["wide", '<div style="width:1500px">wide</div>', "the page is"],
  ["wide-on-a-phone", '<div style="width:600px">wide</div>', "phone: the page is", "phone"],
  ["nameless-picture", '<svg width="9" height="9"></svg>', "<svg> has no name"],
  ["nameless-canvas", "<canvas></canvas>", "<canvas> has no name"],
  ["nameless-button", "<button></button>", "<button> has no name"],
  ["dangling-link", '<a href="#nowhere">go</a>', "the link #nowhere leads nowhere"],
  ["not-sorted", TABLE("sortable"), "does not sort it"],
  ["no-filter", TABLE("ledger"), "has no filter"],
  ["not-filtered", SEARCH + TABLE("ledger"), "typing “3” shows 3 rows"],
  ["not-zoomed", VIEWER, "the button + does not do what it says"],
  ["no-keys", VIEWER, "the key + does not do what it says"],
  ["no-wheel", VIEWER, "the wheel, away does not do what it says"],
  ["no-pinch", VIEWER, "two fingers apart does not do what it says", "phone"],
  ["out-of-reach", '<button tabindex="-1">b</button>', "the Tab key does not reach <button> b"],
  ["unseen-focus", '<style>*:focus{outline:none!important}</style><button>b</button>', "nothing shows that the focus is on <button> b"],
  ["never-dark", "<style>body{background:#fff!important}</style>", "dark: the background is 1 bright", "dark"],
];

/** Whether each broken page is refused for its reason, and a good one is accepted. */
export async function selfCheck(browser, folder) {
  mkdirSync(folder, { recursive: true });
  const write = (name, body) => {
    const file = path.join(folder, `${name}.html`);
    writeFileSync(file, page(body));
    return file;
  };
  const problems = [];
  const good = await look(browser, write("good", "<h1>good</h1><p>Nothing is wrong here.</p>"));
  good.problems.forEach((problem) => problems.push(`the good page is refused: ${problem}`));
  const seen = new Map(); // Pages of one body are looked at once in each view.
  for (const [name, body, says, view = "light"] of BROKEN) {
    const key = `${view} ${body}`;
    if (!seen.has(key)) seen.set(key, (await look(browser, write(name, body), { views: [view] })).problems);
    const found = seen.get(key);
    if (!found.some((problem) => problem.includes(says))) {
      problems.push(`the page “${name}” should be refused for “${says}”, but: ${found.join("; ") || "it is accepted"}`);
    }
  }
  return { checks: BROKEN.length, problems };
}
