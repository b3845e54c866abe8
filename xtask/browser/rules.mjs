// Rules that hold for every page. Each returns how many checks were made and what is wrong, in sentences.

/** Whether something comes to be soon: on a phone a click is the end of a gesture, which the browser takes its time to know. */
export async function comesToBe(page, holds) {
  for (const end = Date.now() + 2_000; ;) {
    if (await holds()) return true;
    if (Date.now() > end) return false;
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/** Nothing is wider than the window: a reader scrolls down, never sideways. */
export async function overflow(page) {
  const found = await page.evaluate(() => {
    const root = document.documentElement, room = root.clientWidth;
    // On a phone a page that is too wide makes the layout wider than the device, so the device is asked, too.
    const wide = Math.max(root.scrollWidth, document.body.scrollWidth), device = Math.min(room, screen.width);
    if (wide <= device + 1) return null;
    const inBox = (one) => {
      for (let box = one.parentElement; box && box !== document.body; box = box.parentElement) {
        if (getComputedStyle(box).overflowX !== "visible") return true;
      }
      return false;
    };
    const culprit = [...document.body.querySelectorAll("*")]
      .find((one) => one.getBoundingClientRect().right > device + 1 && !inBox(one));
    return `the page is ${wide} px wide in a window of ${device} px, by ${culprit ? `<${culprit.localName} class="${culprit.getAttribute("class") ?? ""}">` : "its body"}`;
  });
  return { checks: 1, problems: found ? [found] : [] };
}

/** Every picture and every control has a name that can be read aloud. */
export async function nameless(page, within = "html") {
  return page.evaluate((within) => {
    const named = (one) => {
      const by = one.getAttribute("aria-labelledby");
      const label = one.getAttribute("aria-label") || one.getAttribute("alt") || (by && document.getElementById(by)?.textContent)
        || one.querySelector(":scope > title")?.textContent || [...(one.labels ?? [])].map((label) => label.textContent + (label.querySelector("img")?.alt ?? "")).join("")
        || (["button", "a", "summary"].includes(one.localName) && one.textContent);
      return Boolean(label && label.trim());
    };
    const all = [...document.querySelectorAll("svg, canvas, img, button, input, select, a[href], summary")];
    const seen = all.filter((one) => one.closest(within) && !one.closest("[aria-hidden=true]"));
    const problems = seen.filter((one) => !named(one)).map((one) => `<${one.localName}> has no name to be read aloud`);
    return { checks: seen.length, problems };
  }, within);
}

/** Every link inside the page leads somewhere. */
export async function dangling(page, within = "html") {
  return page.evaluate((within) => {
    const links = [...document.querySelectorAll('a[href^="#"]')].filter((link) => link.closest(within));
    const lost = links.filter((link) => !document.getElementById(decodeURIComponent(link.hash.slice(1))));
    return { checks: links.length, problems: lost.map((link) => `the link ${link.hash} leads nowhere`) };
  }, within);
}

/**
 * Words stand out from what is behind them: 4.5 to 1, or 3 to 1 where they are large, as WCAG 2.2 asks. Code in colours
 * is left out, for its colours are those of the highlighter, and so are controls that cannot be used now.
 */
export async function contrast(page, within = "main") {
  return page.evaluate((within) => {
    const parts = (color) => {
      const numbers = color.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
      // color(srgb 0.1 0.2 0.3) counts from 0 to 1, rgb(10, 20, 30) from 0 to 255.
      return color.startsWith("color(") ? [...numbers.slice(0, 3).map((part) => part * 255), numbers[3] ?? 1] : [...numbers.slice(0, 3), numbers[3] ?? 1];
    };
    const light = (color) => {
      const [red, green, blue] = color.map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (one) => {
      for (let box = one; box; box = box.parentElement) {
        const color = parts(getComputedStyle(box).backgroundColor);
        if (color[3] > 0.99) return color;
      }
      return [255, 255, 255, 1];
    };
    const texts = [...document.querySelectorAll(within)].flatMap((root) => [root, ...root.querySelectorAll("*")])
      .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
      .filter((one) => one.checkVisibility() && !one.closest("pre, script, style, title, desc, :disabled"));
    const problems = new Set();
    for (const one of texts) {
      const style = getComputedStyle(one), size = parseFloat(style.fontSize);
      const front = parts(one instanceof SVGElement ? style.fill : style.color);
      const [a, b] = [light(front), light(behind(one))].sort((left, right) => right - left);
      const ratio = (a + 0.05) / (b + 0.05), wanted = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
      if (ratio < wanted) problems.add(`“${one.textContent.trim().slice(0, 30)}” has a contrast of ${ratio.toFixed(2)}, at least ${wanted}`);
    }
    return { checks: texts.length, problems: [...problems].slice(0, 5) };
  }, within);
}

/** How bright the background is, 0 to 1. */
export async function brightness(page) {
  // Where the body has no background of its own, that of the root is seen.
  const parts = await page.evaluate(() => [document.body, document.documentElement]
    .map((one) => getComputedStyle(one).backgroundColor.match(/[\d.]+/g).map(Number)).find(([, , , alpha = 1]) => alpha > 0) ?? [0, 0, 0, 0]);
  const [red, green, blue, alpha = 1] = parts;
  return alpha === 0 ? 1 : Math.round(((red + green + blue) / 765) * 100) / 100;
}

/** With the Tab key alone one reaches every control that is shown, and sees where one is. */
export async function reachable(page) {
  const wanted = await page.evaluate(() => {
    const controls = [...document.querySelectorAll("button, input, a[href], summary, canvas[tabindex]")];
    const shown = controls.filter((one) => !one.disabled && one.checkVisibility());
    shown.forEach((one, number) => { one.dataset.check = number; });
    document.activeElement?.blur();
    window.scrollTo(0, 0);
    return shown.map((one) => `<${one.localName}> ${(one.getAttribute("aria-label") ?? one.textContent ?? "").slice(0, 40)}`);
  });
  const reached = new Set(), unseen = new Set();
  for (let press = 0; press < wanted.length * 2 + 60 && reached.size < wanted.length; press += 1) {
    await page.keyboard.press("Tab");
    const [number, outlined] = await page.evaluate(() => {
      const one = document.activeElement, style = one && getComputedStyle(one);
      return [one?.dataset?.check ?? null, style ? style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 : false];
    });
    if (number === null) continue;
    reached.add(Number(number));
    if (!outlined) unseen.add(Number(number));
  }
  const problems = wanted.flatMap((name, number) => [
    ...(reached.has(number) ? [] : [`the Tab key does not reach ${name}`]),
    ...(unseen.has(number) ? [`nothing shows that the focus is on ${name}`] : []),
  ]);
  return { checks: wanted.length, problems };
}
