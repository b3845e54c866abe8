// Tables: a press on a header sorts by its column, and a ledger has a line above it that filters its rows.
function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  if (body.rows.length < 2) return;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      const key = (row) => {
        const cell = row.cells[column];
        return "key" in cell.dataset ? Number(cell.dataset.key) : cell.textContent;
      };
      const rows = [...body.rows].sort((left, right) => {
        const [a, b] = [key(left), key(right)];
        if (typeof a === "number" && typeof b === "number") return sign * (a - b);
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // Numbers before texts, both ways.
        return sign * a.localeCompare(b, undefined, { numeric: true });
      });
      body.append(...rows);
    });
  });
}

function filterable(table, number) {
  const rows = [...table.tBodies[0].rows];
  const caption = table.caption.textContent;
  const bar = document.createElement("div");
  bar.className = "filter";
  bar.lang = "en"; // Its own words are English, whatever the page speaks.
  bar.setAttribute("role", "search");
  bar.setAttribute("aria-label", `filter: ${caption}`);
  const input = document.createElement("input");
  Object.assign(input, { type: "search", id: `filter${number}`, placeholder: "words that a row must have" });
  input.autocomplete = "off";
  const label = document.createElement("label");
  label.htmlFor = input.id;
  label.textContent = "Filter";
  const said = document.createElement("output");
  const nothing = document.createElement("p");
  nothing.className = "nothing";
  nothing.textContent = "No row has all of this.";

  // One button for each verdict of the table, in the order in which they first come.
  const verdicts = new Map();
  for (const cell of table.querySelectorAll("td[data-tone], th[data-tone]")) {
    const word = cell.dataset.verdict;
    const known = verdicts.get(word) ?? { tone: cell.dataset.tone, count: 0, sign: cell.firstElementChild.textContent };
    known.count += 1;
    verdicts.set(word, known);
  }
  let chosen = null;
  const buttons = [];
  const choose = (word) => {
    chosen = chosen === word ? null : word;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.word === (chosen ?? ""))));
    show();
  };
  const button = (word, text, tone) => {
    const one = document.createElement("button");
    Object.assign(one, { type: "button", textContent: text, className: tone });
    one.dataset.word = word;
    one.setAttribute("aria-pressed", String(word === ""));
    one.addEventListener("click", () => choose(word === "" ? chosen : word));
    buttons.push(one);
  };
  if (verdicts.size > 1) {
    button("", `all ${rows.length}`, "all");
    verdicts.forEach(({ tone, count, sign }, word) => button(word, `${sign} ${word} ${count}`, tone));
  }

  function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const verdict = row.querySelector("[data-verdict]")?.dataset.verdict;
      row.hidden = !words.every((word) => text.includes(word)) || (chosen !== null && verdict !== chosen);
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} rows`;
    nothing.hidden = shown > 0;
  }
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || input.value === "") return;
    event.preventDefault();
    input.value = "";
    show();
  });
  bar.append(label, input, ...buttons, said);
  const box = table.parentElement;
  box.before(bar);
  box.after(nothing);
  show();
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("table.ledger").forEach((table, number) => filterable(table, number + 1));
