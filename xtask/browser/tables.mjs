// Tables: sorting and filtering, by mouse and by keyboard, compared with what the rows themselves say.

import { comesToBe } from "./rules.mjs";

/** What is in a column, row by row as they are shown: its sort key where it has one, else its text. */
const column = (table, index) => table.evaluate((table, index) => [...table.tBodies[0].rows].map((row) => {
  const cell = row.cells[index];
  return "key" in cell.dataset ? Number(cell.dataset.key) : cell.textContent;
}), index);

/** Whether values are in order as a reader expects: numbers by size and before texts. */
function inOrder(values, down) {
  const rising = values.every((value, index) => {
    if (index === 0) return true;
    const before = values[index - 1];
    if (typeof before !== typeof value) return typeof before === "number";
    if (typeof value === "number") return down ? before >= value : before <= value;
    const order = before.localeCompare(value, undefined, { numeric: true });
    return down ? order >= 0 : order <= 0;
  });
  return rising;
}

const TABLES_MAX = 8;

/** Each header, or only so many of a table, sorts its table by a click, and turns the order around by the Enter key. */
export async function sorts(page, headsMax = Infinity) {
  const problems = [];
  let checks = 0;
  // What is folded away is a table, too. All come out of one mould: the first ones, of every kind, stand for the rest.
  await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
  for (const table of (await page.locator("table.sortable").all()).slice(0, TABLES_MAX)) {
    if ((await table.locator("tbody tr").count()) < 2) continue;
    const name = await table.locator("caption").textContent();
    const heads = Math.min(await table.locator("thead th").count(), headsMax);
    for (let index = 0; index < heads; index += 1) {
      const head = table.locator("thead th").nth(index), button = head.locator("button");
      const before = (await column(table, index)).map(String).sort();
      for (const [way, press, down] of [
        ["a click", () => button.click(), false],
        ["the Enter key", () => button.press("Enter"), true],
      ]) {
        checks += 1;
        await press();
        await comesToBe(page, async () => (await head.getAttribute("aria-sort")) === (down ? "descending" : "ascending"));
        const values = await column(table, index);
        const said = await head.getAttribute("aria-sort");
        if (!inOrder(values, down) || said !== (down ? "descending" : "ascending")) {
          problems.push(`${way} on header ${index + 1} of “${name}” does not sort it (${said}: ${values.slice(0, 4).join(", ")})`);
        }
        if (values.map(String).sort().join() !== before.join()) problems.push(`sorting “${name}” loses rows`);
      }
    }
  }
  return { checks, problems };
}

const shown = (table) => table.evaluate((table) => [...table.tBodies[0].rows].filter((row) => !row.hidden && row.checkVisibility()).map((row) => ({
  text: row.textContent.toLowerCase(), verdict: row.querySelector("[data-verdict]")?.dataset.verdict ?? null,
})));

/** A ledger shows the rows that have the words, or the verdict, that a reader asks for, and all again afterwards. */
export async function filters(page) {
  const problems = [];
  let checks = 0;
  for (const table of await page.locator("table.ledger").all()) {
    const name = await table.locator("caption").textContent();
    const expect = async (what, right) => {
      checks += 1;
      await comesToBe(page, async () => right(await shown(table)));
      const rows = await shown(table);
      if (!right(rows)) problems.push(`“${name}”: ${what} shows ${rows.length} rows`);
    };
    const all = await shown(table);
    const bar = page.locator(`[role=search][aria-label="filter: ${name.replace(/"/g, '\\"')}"]`);
    checks += 1;
    if ((await bar.count()) !== 1) {
      problems.push(`“${name}” has no filter`);
      continue;
    }
    const input = bar.locator("input");
    const word = (await table.locator("tbody tr").last().locator("th").textContent()).trim();
    const want = all.filter((row) => row.text.includes(word.toLowerCase())).length;
    await input.focus();
    await page.keyboard.type(word);
    await expect(`typing “${word}”`, (rows) => rows.length === want && rows.every((row) => row.text.includes(word.toLowerCase())));
    await page.keyboard.type(" no such word anywhere");
    await expect("words that no row has", (rows) => rows.length === 0);
    await page.keyboard.press("Escape");
    await expect("the Escape key", (rows) => rows.length === all.length);

    const verdicts = [...new Set(all.map((row) => row.verdict).filter(Boolean))];
    if (verdicts.length < 2) continue;
    for (const verdict of verdicts) {
      const want = all.filter((row) => row.verdict === verdict).length;
      const button = bar.locator(`button[data-word="${verdict}"]`);
      await button.click();
      await expect(`a click on “${verdict}”`, (rows) => rows.length === want && rows.every((row) => row.verdict === verdict));
      checks += 1;
      if ((await button.getAttribute("aria-pressed")) !== "true") problems.push(`“${verdict}” does not say that it is pressed`);
      await button.press("Space");
      await expect(`the Space key on “${verdict}”`, (rows) => rows.length === all.length);
    }
    await bar.locator(`button[data-word="${verdicts[0]}"]`).press("Enter");
    await bar.locator('button[data-word=""]').press("Enter");
    await expect("“all”", (rows) => rows.length === all.length);
  }
  return { checks, problems };
}
