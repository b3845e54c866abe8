// Viewers of lanes: zoom and steps by buttons, keys, wheel, drag and pinch. What is shown is read from the viewer's own
// sentence, “Showing 0 ms to 2.00 s of 2.00 s.”, which is also what is read aloud.

import { comesToBe } from "./rules.mjs";

const UNITS = { ns: 1, "µs": 1e3, ms: 1e6, s: 1e9 };
const ns = (text) => {
  const [, value, unit] = text.match(/^([\d.e+]+) (ns|µs|ms|s)$/) ?? [];
  return Number(value) * UNITS[unit];
};

/** What a viewer shows: from, to and all in nanoseconds, and the number of the stall that it is at. */
async function view(viewer) {
  const said = (await viewer.locator("output").textContent()) ?? "";
  const [, from, to, all] = said.match(/^Showing (.+?) to (.+?) of (.+?)\. /) ?? [];
  if (!all) throw new Error(`a viewer says “${said}” and not what it shows`);
  const [, at, count] = said.match(/ (\d+) of (\d+): /) ?? [];
  return { from: ns(from), to: ns(to), all: ns(all), length: ns(to) - ns(from), at: at ? Number(at) : 0, count: count ? Number(count) : 0 };
}

const VIEWERS_MAX = 3;

/**
 * Runs `attempts` on viewers: what is done, how, and what must be true of the view before and after. All come out of one mould:
 * the first ones stand for the rest, of which only the first two attempts are made.
 */
async function attempt(page, attempts, isPatient = false) {
  const problems = [];
  let checks = 0;
  for (const [number, viewer] of (await page.locator(".viewer").all()).entries()) {
    const name = await viewer.getAttribute("aria-label");
    const canvas = viewer.locator("canvas");
    await canvas.scrollIntoViewIfNeeded();
    for (const [what, act, right] of number < VIEWERS_MAX ? attempts : attempts.slice(0, 2)) {
      const before = await view(viewer);
      await act({ viewer, canvas });
      if (isPatient) await comesToBe(page, async () => right(before, await view(viewer)));
      const after = await view(viewer);
      checks += 1;
      if (!right(before, after)) {
        problems.push(`“${name}”: ${what} does not do what it says (${JSON.stringify(before)} then ${JSON.stringify(after)})`);
      }
    }
  }
  return { checks, problems };
}

const closer = (before, after) => after.length < before.length;
const farther = (before, after) => after.length > before.length;
const everything = (_, after) => after.from === 0 && after.length === after.all;
const button = (name) => ({ viewer }) => viewer.getByRole("button", { name, exact: true }).click();
const key = (name) => ({ canvas }) => canvas.press(name);

/** By mouse and keyboard. */
export function moves(page) {
  const middle = async (canvas) => {
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
  };
  const wheel = (by) => async ({ canvas }) => {
    await canvas.focus();
    await middle(canvas);
    await page.mouse.wheel(0, by);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  };
  const step = (way) => async ({ viewer }) => {
    const one = viewer.locator("button.step").nth(way > 0 ? 1 : 0);
    if (await one.isEnabled()) await one.click();
  };
  const stepped = (by) => (before, after) => before.at === 0 ? after.at > 0 || after.count === 0
    : after.at === Math.min(after.count, Math.max(1, before.at + by));
  return attempt(page, [
    ["the button +", button("zoom in"), closer],
    ["the button −", button("zoom out"), farther],
    ["the button +, twice", async (on) => { await button("zoom in")(on); await button("zoom in")(on); }, closer],
    ["the button →", button("move right"), (before, after) => after.from > before.from],
    ["the button ←", button("move left"), (before, after) => after.from < before.from],
    ["the button all", button("show all"), everything],
    ["the key +", key("+"), closer],
    ["the key ArrowRight", key("ArrowRight"), (before, after) => after.from > before.from],
    ["the key ArrowLeft", key("ArrowLeft"), (before, after) => after.from < before.from],
    ["the key -", key("-"), farther],
    ["the wheel, away", wheel(-200), closer],
    ["the wheel, towards", wheel(200), farther],
    ["the key 0", key("0"), everything],
    ["the next button", step(1), stepped(1)],
    ["the key n", key("n"), stepped(1)],
    ["the key p", key("p"), stepped(-1)],
    ["the previous button", step(-1), stepped(-1)],
    ["the key Home", key("Home"), everything],
    ["the key + again", key("+"), closer],
    ["dragging to the left", async ({ canvas }) => {
      await middle(canvas);
      await page.mouse.down();
      await page.mouse.move((await canvas.boundingBox()).x + 60, (await canvas.boundingBox()).y + 60, { steps: 4 });
      await page.mouse.up();
    }, (before, after) => after.from > before.from],
    ["the key 0 again", key("0"), everything],
  ]);
}

/** By two fingers on a touch screen. */
export async function pinches(page) {
  const session = await page.context().newCDPSession(page);
  const fingers = (canvas, from, to) => async () => {
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    const points = (half) => [-half, half].map((by, id) => ({ id, x: box.x + box.width / 2 + by, y: box.y + box.height / 2 }));
    await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: points(from) });
    for (let part = 1; part <= 5; part += 1) {
      await session.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: points(from + ((to - from) * part) / 5) });
    }
    await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  const pinch = (from, to) => ({ canvas }) => fingers(canvas, from, to)();
  return attempt(page, [
    ["two fingers apart", pinch(30, 110), closer],
    ["two fingers together", pinch(110, 30), farther],
    ["the button +", button("zoom in"), closer],
    ["the button all", button("show all"), everything],
  ], true);
}
