// Rules that hold for every page. Each returns how many checks were made and what is wrong, in sentences.

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
export async function nameless(page) {
  return page.evaluate(() => {
    const named = (one) => {
      const by = one.getAttribute("aria-labelledby");
      const label = one.getAttribute("aria-label") || (by && document.getElementById(by)?.textContent)
        || one.querySelector(":scope > title")?.textContent || [...(one.labels ?? [])].map((label) => label.textContent).join("")
        || (["button", "a", "summary"].includes(one.localName) && one.textContent);
      return Boolean(label && label.trim());
    };
    const all = [...document.querySelectorAll("svg, canvas, img, button, input, select, a[href], summary")];
    const seen = all.filter((one) => !one.closest("[aria-hidden=true]"));
    const problems = seen.filter((one) => !named(one)).map((one) => `<${one.localName}> has no name to be read aloud`);
    return { checks: seen.length, problems };
  });
}

/** Every link inside the page leads somewhere. */
export async function dangling(page) {
  return page.evaluate(() => {
    const links = [...document.querySelectorAll('a[href^="#"]')];
    const lost = links.filter((link) => !document.getElementById(decodeURIComponent(link.hash.slice(1))));
    return { checks: links.length, problems: lost.map((link) => `the link ${link.hash} leads nowhere`) };
  });
}

/** How bright the background is, 0 to 1. */
export async function brightness(page) {
  const parts = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number));
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
