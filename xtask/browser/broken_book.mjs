// Pages of a book that are broken on purpose, each in one way, as broken.mjs has them for other pages.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { lookAtPage, openViews, viewsOf } from "./book.mjs";

const STYLE = `<style>:root{color-scheme:light dark}body{background:#fff;color:#111;margin:8px}
@media (prefers-color-scheme:dark){body{background:#111;color:#eee}}button{color:inherit;background:inherit}
@media screen{.live>img{display:none}}@media print{.lf{display:none}}</style>`;
const PICTURE = '<img alt="a picture" src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 width=%229%22 height=%229%22/%3E">';

/** A figure of six steps that does what figures do, but for what `wrong` makes of it. */
const FIGURE = (wrong = "", style = "") => `<style>${style}</style><figure class="lab-figure" data-figure="f">${PICTURE}<script type="application/json">{}</script></figure><script>
{ const figure = document.querySelector("figure"), box = document.createElement("div"), LAST = 5;
let at = 0, policy = 0, zoom = 1; let keys = true, buttons = true, says = true, chooses = true, zooms = true, build = true, hide = true, drift = 0;
${wrong};
box.className = "lf"; box.tabIndex = 0;
box.innerHTML = '<p role="status"></p><div class="lf-picture"></div><span></span>' + [0, 1].map((n) => '<label><input type="radio" name="p">' + n + '</label>').join("")
  + ["first", "back", "next", "last", "zoomIn", "zoomOut"].map((act) => '<button data-act="' + act + '">' + act + '</button>').join("");
const show = () => { box.querySelector("span").textContent = "at " + at; if (says) box.querySelector("p").textContent = "step " + at; if (chooses || zooms) box.querySelector("div").textContent = (chooses ? policy : 0) + "/" + (zooms ? zoom : 1); };
const go = (to) => { at = Math.min(Math.max(to, 0), LAST); show(); };
const acts = { first: () => go(0), back: () => go(at - 1 + drift), next: () => go(at + 1), last: () => go(LAST), zoomIn: () => { zoom *= 2; show(); }, zoomOut: () => { zoom /= 2; show(); } };
const KEYS = { Home: "first", ArrowLeft: "back", ArrowRight: "next", End: "last" };
box.addEventListener("keydown", (event) => { if (keys && event.target === box && KEYS[event.key]) acts[KEYS[event.key]](); });
box.querySelectorAll("button").forEach((one) => one.addEventListener("click", () => { if (buttons || one.dataset.act.startsWith("zoom")) acts[one.dataset.act](); }));
box.querySelectorAll("input").forEach((one, n) => one.addEventListener("change", () => { policy = n; at = 0; show(); }));
if (build) figure.append(box); if (hide) figure.classList.add("live"); show(); }
</script>`;

/** A quiz of two options that answers, but for what `wrong` makes of it. */
const QUIZ = (wrong = "", answer = 2) => `<div class="quiz" id="q" data-answer="${answer}"><ol><li>one</li><li>two</li></ol><details><summary>A</summary>why</details></div><script>
{ const quiz = document.querySelector(".quiz"), said = document.createElement("p"), details = quiz.querySelector("details"); said.setAttribute("role", "status");
let right = 2, opens = true, tells = true, chosen = true, live = true;
${wrong};
quiz.append(said);
if (live) quiz.querySelectorAll("li").forEach((item, n) => { const one = document.createElement("button"); one.textContent = item.textContent; item.replaceChildren(one);
  one.addEventListener("click", () => { one.dataset.verdict = n + 1 === right ? "right" : "wrong"; if (chosen) one.setAttribute("aria-pressed", "true"); if (opens) details.open = true; if (tells) said.textContent = n + " " + one.dataset.verdict; }); }); }
</script>`;

/** The name of a broken page, its body, what must be said of it, and the view in which that is seen, if not in light. */
const BROKEN = [
  ["outside", '<img alt="i" src="../elsewhere.png">', "a request leaves the book: file:"],
  ["network", '<img alt="i" src="http://elsewhere.invalid/picture.png">', "a request leaves the book: http://elsewhere.invalid/"],
  ["console", '<script>console.error("wrong")</script>', "console error: wrong"],
  ["wide-on-a-phone", '<div style="width:600px">wide</div>', "phone: the page is", "phone"],
  ["pale", '<p style="color:#999;background:#fff">pale</p>', "“pale” has a contrast of 2.85"],
  ["dark-on-dark", '<p style="color:#111">dark</p>', "dark: “dark” has a contrast of 1.00", "dark"],
  ["not-built", FIGURE("build = false"), "the figure f is not built"],
  ["both", FIGURE("hide = false"), "its picture is shown as well"],
  ["no-keys", FIGURE("keys = false"), "the figure f has 1 steps"],
  ["not-back", FIGURE("drift = -1"), "does not come back by ←"],
  ["no-buttons", FIGURE("buttons = false"), "does not do by the button “next”"],
  ["no-words", FIGURE("says = false"), "does not say what the step is"],
  ["one-policy", FIGURE("chooses = false"), "2 policies show 1 pictures"],
  ["no-zoom", FIGURE("zooms = false"), "the button “zoomIn” changes nothing"],
  ["printed-buttons", FIGURE("", "@media print{.lf{display:block!important}}"), "printed, the figure f shows its buttons"],
  ["printed-nothing", FIGURE("", "@media print{figure img{display:none!important}}"), "printed, the figure f has no picture"],
  ["no-picture", FIGURE().replace(PICTURE, '<img alt="a" src="data:image/png,none">'), "printed, the figure f has no picture"],
  ["plain-nothing", FIGURE("", "@media screen{figure img{display:none}}"), "without scripts, the figure f has no picture", "plain"],
  ["dead-quiz", QUIZ("live = false"), "q: has 0 options and the answer 2"],
  ["no-such-answer", QUIZ("", 3), "q: has 2 options and the answer 3"],
  ["wrong-answer", QUIZ("right = 1"), "q: option 1 is called right"],
  ["closed-answer", QUIZ("opens = false"), "q: the answer stays closed"],
  ["silent-quiz", QUIZ("tells = false"), "q: does not say in words"],
  ["unmarked-quiz", QUIZ("chosen = false"), "q: option 1 does not say that it was chosen"],
  ["hidden-quiz", `<style>ol{display:none}</style>${QUIZ("document.querySelector('ol').style.display = 'block'")}`, "without scripts a quiz is no list", "plain"],
  ["pale-theme", `<style>.ayu .quiz{color:#eee;background:#fff}</style>${QUIZ()}`, "ayu: “one” has a contrast of"],
  ["pale-in-the-dark-theme", `<style>.navy p{color:#333;background:#222}</style><p>pale</p>`, "navy: “pale” has a contrast of"],
  ["never-dark", "<style>body{background:#fff!important}</style>", "dark: the background is 1 bright", "dark"],
];

/** Whether each broken page is refused for its reason, and good ones are accepted. */
export async function bookSelfCheck(browser, folder) {
  const inside = path.join(folder, "book");
  mkdirSync(inside, { recursive: true });
  const write = (name, body) => {
    const file = path.join(inside, `${name}.html`);
    writeFileSync(file, `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>t</title>${STYLE}</head><body><main>${body}</main></body></html>`);
    return file;
  };
  const problems = [], opened = await openViews(browser);
  const good = await lookAtPage(opened, write("good", `<h1>good</h1><p>Nothing is wrong here.</p>${FIGURE()}${QUIZ()}`));
  good.problems.forEach((problem) => problems.push(`the good page is refused: ${problem}`));
  const withFigure = viewsOf(write("wide-quiz", '<div class="quiz wide"></div>')).join(), withNone = viewsOf(write("none", "<p>text</p>")).join();
  if (withFigure !== "light,phone,plain" || withNone !== "light,phone") problems.push(`pages are looked at in ${withFigure} and ${withNone}`);
  for (const [name, body, says, view = "light"] of BROKEN) {
    const found = (await lookAtPage(opened, write(name, body), { views: [view] })).problems;
    if (!found.some((problem) => problem.includes(says))) {
      problems.push(`the page “${name}” should be refused for “${says}”, but: ${found.join("; ") || "it is accepted"}`);
    }
  }
  await Promise.all([...opened.values()].map(({ context }) => context.close()));
  return { checks: BROKEN.length, problems };
}
