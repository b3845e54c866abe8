// The figures and quizzes of the book, as their readers use them: by keys, by clicks, on paper and without scripts.
import { comesToBe, contrast } from "./rules.mjs";

/** All that a figure shows, to be compared: two equal states of a figure are the same markup. */
const shown = (box) => box.evaluate((one) => one.innerHTML);
const STEPS_MAX = 80;

/** A figure that is there is built, and its picture has given way to it. */
const built = async (page) => {
  const figures = await page.locator("figure.lab-figure").all();
  const problems = [];
  const boxes = [];
  for (const figure of figures) {
    const name = await figure.getAttribute("data-figure"), box = figure.locator(".lf");
    if ((await box.count()) !== 1) problems.push(`the figure ${name} is not built`);
    else if (await figure.locator(":scope > img").isVisible()) problems.push(`the figure ${name} is built, and its picture is shown as well`);
    else boxes.push([name, box]);
  }
  return { checks: figures.length, problems, boxes };
};

/** The keys go through all steps and back through the same states, and the buttons do what the keys do. */
export async function steps(page) {
  let { checks, problems, boxes } = await built(page);
  for (const [name, box] of boxes) {
    const expect = (right, problem) => { checks += 1; if (!right) problems.push(`the figure ${name} ${problem}`); };
    await box.press("Home");
    const seen = [await shown(box)];
    while (seen.length <= STEPS_MAX) {
      await box.press("ArrowRight");
      const now = await shown(box);
      if (now === seen.at(-1)) break;
      seen.push(now);
    }
    expect(seen.length > 3, `has ${seen.length} steps`);
    expect(new Set(seen).size === seen.length, "comes to the same state twice on its way forward");
    // Far enough from the end: a figure may have more steps than are looked at.
    if (seen.length > STEPS_MAX) await box.press("ArrowLeft");
    const back = seen.slice(0, seen.length > STEPS_MAX ? -2 : -1).reverse();
    let same = true;
    for (const before of back) {
      await box.press("ArrowLeft");
      same &&= (await shown(box)) === before;
    }
    expect(same, "does not come back by ← through the states in which it was");
    await box.press("End");
    const end = await shown(box);
    if (seen.length <= STEPS_MAX) expect(end === seen.at(-1), "is not at its last step after End");
    await box.press("Home");
    expect((await shown(box)) === seen[0], "is not at its first step after Home");
    for (const [act, state] of [["next", seen[1]], ["next", seen[2]], ["back", seen[1]], ["last", end], ["first", seen[0]]]) {
      await box.locator(`button[data-act=${act}]`).click();
      // A press leaves the focus on the button, which is no part of what the figure shows.
      const does = await comesToBe(page, async () => (await shown(box)) === state);
      expect(does, `does not do by the button “${act}” what its key does`);
      if (!does) break; // What follows starts from where this should have led.
    }
    const said = box.locator("[role=status]");
    const first = await said.textContent();
    await box.press("ArrowRight");
    expect(first.trim() && (await said.textContent()) !== first, "does not say what the step is");
    await box.press("ArrowRight");
    await box.press("ArrowRight");
  }
  return { checks, problems };
}

/** Every policy can be chosen by keys and by a click, and each has a picture or a sentence of its own. */
export async function policies(page) {
  const problems = [];
  let checks = 0;
  for (const box of await page.locator(".lf:has(input[type=radio])").all()) {
    const radios = await box.locator("input[type=radio]").all();
    const seen = new Set();
    await radios[0].focus();
    await radios[0].check();
    for (let index = 0; index < radios.length; index += 1) {
      if (index > 0) await page.keyboard.press("ArrowRight");
      checks += 2;
      if (!(await radios[index].isChecked())) problems.push(`→ does not choose policy ${index + 1}`);
      seen.add(await box.evaluate((one) => one.querySelector(".lf-picture").innerHTML + one.querySelector("[role=status]").textContent));
    }
    if (seen.size !== radios.length) problems.push(`${radios.length} policies show ${seen.size} pictures`);
    for (const act of ["zoomIn", "zoomOut"]) {
      await radios[0].check();
      if (act === "zoomOut") await box.locator("button[data-act=zoomIn]").click();
      const before = await box.locator(".lf-picture").innerHTML();
      await box.locator(`button[data-act=${act}]`).click();
      checks += 1;
      if ((await box.locator(".lf-picture").innerHTML()) === before) problems.push(`the button “${act}” changes nothing`);
    }
    await radios[Math.min(2, radios.length - 1)].check();
    for (let count = 0; count < 3; count += 1) await box.press("ArrowRight");
  }
  return { checks, problems };
}

/** Each option of a quiz answers, by key and by click; the right one and no other is right; the answer opens. */
export async function quizzes(page, most = Infinity) {
  const problems = [];
  let checks = 0;
  for (const quiz of (await page.locator(".quiz").all()).slice(0, most)) {
    const name = await quiz.getAttribute("id"), right = Number(await quiz.getAttribute("data-answer"));
    const expect = (good, problem) => { checks += 1; if (!good) problems.push(`${name}: ${problem}`); };
    const options = await quiz.locator("ol > li > button").all();
    expect(options.length >= 2 && right >= 1 && right <= options.length, `has ${options.length} options and the answer ${right}`);
    expect((await quiz.locator("details").count()) === 1, "has no answer to be opened");
    const said = new Set();
    for (const [index, option] of options.entries()) {
      await quiz.locator("details").evaluate((one) => (one.open = false)).catch(() => {});
      if (index % 2 === 0) await option.click(); else await option.press("Enter");
      await comesToBe(page, () => option.getAttribute("data-verdict"));
      const verdict = await option.getAttribute("data-verdict");
      expect(verdict === (index + 1 === right ? "right" : "wrong"), `option ${index + 1} is called ${verdict}`);
      expect((await option.getAttribute("aria-pressed")) === "true", `option ${index + 1} does not say that it was chosen`);
      expect(await quiz.locator("details").evaluate((one) => one.open).catch(() => false), "the answer stays closed");
      said.add((await quiz.locator("[role=status]").textContent().catch(() => "")).trim());
    }
    expect(said.size === options.length && !said.has(""), "does not say in words which option was right");
  }
  return { checks, problems };
}

/** On paper there is the picture, with its description, and not what one would have to press. */
export async function printed(page) {
  await page.emulateMedia({ media: "print" });
  const found = await onlyPictures(page, "printed");
  await page.emulateMedia({ media: null });
  return found;
}

/** Without scripts there is the picture, and a quiz is a list with an answer that opens. */
export async function plain(page) {
  const found = await onlyPictures(page, "without scripts");
  for (const quiz of await page.locator(".quiz").all()) {
    found.checks += 1;
    const there = (await quiz.locator("ol > li").first().isVisible()) && (await quiz.locator("details > summary").isVisible());
    if (!there) found.problems.push("without scripts a quiz is no list with an answer");
  }
  return found;
}

async function onlyPictures(page, when) {
  const problems = [];
  const figures = await page.locator("figure.lab-figure").all();
  for (const figure of figures) {
    const name = await figure.getAttribute("data-figure"), picture = figure.locator(":scope > img");
    const drawn = (await picture.count()) === 1 && (await picture.isVisible()) && (await picture.evaluate((one) => one.complete && one.naturalWidth > 0));
    if (!drawn) problems.push(`${when}, the figure ${name} has no picture`);
    for (const box of await figure.locator(".lf").all()) {
      if (await box.isVisible()) problems.push(`${when}, the figure ${name} shows its buttons`);
    }
  }
  return { checks: figures.length * 2, problems };
}

/** The words of the page can be read in the dark theme, those of figures and quizzes in each theme of the book. */
export async function themes(page) {
  const problems = [];
  let checks = 0;
  const hasOwn = (await page.locator(".lf, .quiz").count()) > 0;
  for (const theme of hasOwn ? ["light", "rust", "coal", "navy", "ayu"] : ["navy"]) {
    await page.evaluate((theme) => {
      // By the book's own menu, which also exchanges the colours of code.
      const choice = document.getElementById(`mdbook-theme-${theme}`);
      if (choice) choice.click();
      else document.documentElement.className = theme;
    }, theme);
    const found = await contrast(page, theme === "navy" ? "main" : ".lf, .quiz");
    checks += found.checks;
    found.problems.forEach((problem) => problems.push(`${theme}: ${problem}`));
  }
  await page.evaluate(() => document.getElementById("mdbook-theme-light")?.click());
  return { checks, problems };
}
