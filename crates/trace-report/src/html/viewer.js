// The timeline viewer: a canvas over the data beside it, moved by buttons, keys, the wheel, dragging and pinching.
const CLASSES = ["idle", "busy", "job", "wait", "stall"]; // In the order of `Class` in Rust.

function duration(ns) {
  const [value, unit] = ns < 1e3 ? [ns, "ns"] : ns < 999500 ? [ns / 1e3, "µs"] : ns < 999.5e6 ? [ns / 1e6, "ms"] : [ns / 1e9, "s"];
  return ns === 0 ? "0 ms" : `${value >= 99.95 || unit === "ns" ? value.toFixed(0) : value.toPrecision(3)} ${unit}`;
}

function niceStep(length, parts) {
  const wanted = Math.max(1, length / Math.max(1, parts));
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= wanted);
}

function viewer(root, data, still) {
  const ROW = 30, GAP = 16, TOP = 30, CELL = 2, SHORTEST = 1000; // Pixels; the last one is nanoseconds.
  const words = data.words, WORDS = words.classes;
  const view = { from: 0, to: data.length, at: -1 };
  const canvas = document.createElement("canvas");
  const output = document.createElement("output");
  const bar = document.createElement("div");
  bar.className = "bar";
  const keys = document.createElement("p");
  keys.className = "keys";
  keys.textContent = `Keys: ← → move, + − zoom, 0 all, n p next and previous ${words.one}. Drag to move; once the picture is pressed, the wheel zooms and with shift moves.`;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  const legend = document.createElement("p");
  legend.className = "legend";
  const used = new Set(data.rows.flatMap((row) => row.pieces.map((piece) => piece[2])));
  for (const kind of [4, 3, 2, 1, 0].filter((kind) => used.has(kind))) {
    const sample = document.createElement("i");
    sample.className = `sample ${CLASSES[kind]}`;
    const entry = document.createElement("span");
    entry.append(sample, WORDS[kind]);
    legend.append(entry);
  }
  legend.append(data.dropped);
  root.append(bar, canvas, legend, output, keys);

  function clamp(from, length) {
    length = Math.min(data.length, Math.max(Math.min(SHORTEST, data.length), length));
    from = Math.min(data.length - length, Math.max(0, from));
    view.from = from;
    view.to = from + length;
    draw();
  }
  const move = (share) => clamp(view.from + (view.to - view.from) * share, view.to - view.from);
  const zoom = (factor, at = 0.5) => {
    const length = view.to - view.from, next = Math.max(Math.min(SHORTEST, data.length), length * factor);
    clamp(view.from + (length - next) * at, next);
  };
  function step(direction) {
    if (!data.sought.length) return;
    const middle = (view.from + view.to) / 2;
    let next = view.at + direction;
    if (view.at < 0) {
      next = direction > 0 ? data.sought.findIndex((s) => s[2] > view.from) : data.sought.findLastIndex((s) => s[1] < middle);
      if (next < 0) next = direction > 0 ? data.sought.length - 1 : 0;
    }
    view.at = Math.min(data.sought.length - 1, Math.max(0, next));
    const [, start, end] = data.sought[view.at];
    clamp(start - (end - start) * 0.75, (end - start) * 2.5);
    say();
  }
  const all = () => { view.at = -1; clamp(0, data.length); say(); };
  const button = (text, label, action, className = "") => {
    const one = document.createElement("button");
    Object.assign(one, { type: "button", textContent: text, className, title: label });
    one.setAttribute("aria-label", label);
    one.addEventListener("click", action);
    bar.append(one);
    return one;
  };
  const moved = (action) => () => { action(); say(); };
  button("←", "move left", moved(() => move(-0.25)));
  button("→", "move right", moved(() => move(0.25)));
  button("+", "zoom in", moved(() => zoom(0.5)));
  button("−", "zoom out", moved(() => zoom(2)));
  button("all", "show all", all);
  const previous = button(`previous ${words.one}`, `previous ${words.one}`, () => step(-1), "step");
  const following = button(`next ${words.one}`, `next ${words.one}`, () => step(1), "step");
  previous.disabled = following.disabled = data.sought.length === 0;

  function pieceText(row, [start, end, kind, fill, depth, label, count]) {
    const name = data.labels[label];
    const what = count > 1 ? `${count} times ${WORDS[kind]}, ${fill} of 8 parts` : depth > 1 ? `${depth} ${name || WORDS[kind]}` : name ? `${name} (${WORDS[kind]})` : WORDS[kind];
    return `${row.name}: ${what}, ${duration(end - start)} at ${duration(start)}.`;
  }
  function say(extra) {
    const window = `Showing ${duration(view.from)} to ${duration(view.to)} of ${duration(data.length)}.`;
    let text = extra;
    if (!text && view.at >= 0) {
      const [row, start, end, label] = data.sought[view.at];
      text = `${words.one[0].toUpperCase() + words.one.slice(1)} ${view.at + 1} of ${data.sought.length}: ${data.labels[label] || words.unnamed} ${words.verb} ${data.rows[row].name} for ${duration(end - start)}, at ${duration(start)}.`;
    }
    if (!text) {
      const count = data.count, steps = data.sought.length;
      const found = `${count} ${count === 1 ? words.one : words.many}`;
      text = count === 0 ? `No ${words.one} in this window.` : `${found}: “next ${words.one}” goes to ${steps < count ? `the ${steps} longest` : "each"}.`;
    }
    output.textContent = `${window} ${text}`;
    canvas.setAttribute("aria-label", output.textContent);
  }

  const layout = () => {
    const width = root.clientWidth - 20, narrow = width < 560;
    return { width, left: narrow ? 8 : 128, right: width - 8, narrow, pitch: ROW + GAP + (narrow ? 12 : 0) };
  };
  const marksHeight = data.marks.length ? 16 : 0; // A line of its own between the axis and the rows.
  const rowTop = (index, pitch, narrow) => TOP + marksHeight + GAP + (narrow ? 12 : 0) + index * pitch;
  const shorten = (text, limit) => (text.length > limit ? text.slice(0, limit - 1) + "…" : text);

  function draw() {
    const { width, left, right, narrow, pitch } = layout();
    if (width <= 0) return;
    const height = rowTop(data.rows.length, pitch, narrow) + 6;
    const scale = window.devicePixelRatio || 1;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.height = `${height}px`;
    const style = getComputedStyle(root), known = {};
    const color = (name) => (known[name] ??= style.getPropertyValue(`--${name}`).trim());
    const paint = canvas.getContext("2d");
    paint.scale(scale, scale);
    paint.fillStyle = color("bg");
    paint.fillRect(0, 0, width, height);
    const font = (weight, size) => { paint.font = `${weight} ${size}px ${style.fontFamily}`; };
    const x = (ns) => left + ((ns - view.from) / (view.to - view.from)) * (right - left);
    // Axis.
    font("400", 12);
    const gap = niceStep(view.to - view.from, (right - left) / 90);
    for (let at = Math.ceil(view.from / gap) * gap; at <= view.to; at += gap) {
      paint.fillStyle = color("line");
      paint.fillRect(Math.round(x(at)), TOP - 8, 1, height - TOP);
      paint.fillStyle = color("soft");
      const text = duration(Math.round(at)), half = paint.measureText(text).width / 2;
      paint.fillText(text, Math.min(right - 2 * half, Math.max(left, x(at) - half)), TOP - 13);
    }
    data.rows.forEach((row, index) => drawRow(paint, row, rowTop(index, pitch, narrow), { left, right, narrow, x, color, font }));
    drawMarks(paint, height, { left, right, x, color, font });
  }

  function drawRow(paint, row, top, { left, right, narrow, x, color, font }) {
    paint.fillStyle = color("line");
    paint.fillRect(left, top + ROW, right - left, 1);
    const notes = [], shares = [], works = row.pieces.some((piece) => piece[2] === 1);
    for (const piece of row.pieces) {
      const [start, end, kind, fill, depth, label] = piece;
      if (end <= view.from || start >= view.to) continue;
      const stall = kind === 4, from = Math.max(left, x(start)), to = Math.min(right, x(end));
      const share = (fill / 8) * (depth / Math.max(1, row.depth));
      if (!stall && to - from < CELL) {
        // Too short to draw: it counts for its share of a cell, as in the still picture.
        const cells = (shares[kind] ??= new Float64Array(Math.ceil((right - left) / CELL) + 1));
        cells[Math.floor((from - left) / CELL)] += (to - from) * share;
        continue;
      }
      const height = kind === 0 ? 3 : stall ? ROW + 8 : Math.max(2, ROW * share);
      paint.fillStyle = color(CLASSES[kind]);
      const wide = Math.max(stall ? 2 : 0.75, to - from);
      const hangs = kind === 3 && works; // So that shares of work and of waiting do not cover each other.
      paint.fillRect(from, hangs ? top : top + ROW + (stall ? 4 : 0) - height, wide, height);
      const name = data.labels[label];
      if (stall) notes.push([end - start, from, name]);
      else if (name && wide > 60 && kind !== 0 && depth === 1 && share > 0.6) {
        font("400", 12);
        paint.fillStyle = color("on-stall");
        const fits = Math.floor((wide - 12) / 6.6);
        paint.fillText(shorten(name, fits), from + 6, top + ROW - 6, wide - 8);
      }
    }
    shares.forEach((cells, kind) => {
      paint.fillStyle = color(CLASSES[kind]);
      cells.forEach((taken, cell) => {
        if (taken === 0) return;
        const height = kind === 0 ? 3 : Math.max(2, ROW * Math.min(1, Math.ceil((8 * taken) / CELL) / 8));
        paint.fillRect(left + cell * CELL, kind === 3 && works ? top : top + ROW - height, CELL, height);
      });
    });
    font("400", 12);
    paint.fillStyle = color("soft");
    if (row.depth > 1) {
      const text = `at most ${row.depth}`;
      paint.fillText(text, right - paint.measureText(text).width, top - 3);
    }
    font("400", 13);
    paint.fillStyle = color("ink");
    paint.textAlign = narrow ? "left" : "right";
    paint.fillText(shorten(row.name, narrow ? 40 : 18), narrow ? left : left - 10, narrow ? top - 8 : top + ROW - 8);
    paint.textAlign = "left";
    font("700", 13);
    const taken = narrow ? [[left, left + paint.measureText(row.name).width + 24]] : [];
    for (const [length, from, name] of notes.sort((a, b) => b[0] - a[0]).slice(0, 60)) {
      for (const text of [shorten(`${duration(length)} ${name}`, 60), duration(length)]) {
        const wide = paint.measureText(text).width, at = Math.max(left, Math.min(from, right - wide));
        if (taken.some(([a, b]) => at < b + 8 && a < at + wide + 8)) continue;
        taken.push([at, at + wide]);
        paint.fillStyle = color("stall");
        paint.fillText(text, at, top - 8);
        break;
      }
    }
  }

  function drawMarks(paint, height, { left, right, x, color, font }) {
    font("400", 12);
    let free = left;
    for (const [at, label] of data.marks) {
      if (at < view.from || at > view.to) continue;
      paint.fillStyle = color("soft");
      for (let y = TOP - 6; y < height; y += 6) paint.fillRect(Math.round(x(at)), y, 1, 3);
      const wide = paint.measureText(label).width;
      if (x(at) >= free && x(at) + wide + 6 < right) {
        paint.fillText(label, x(at) + 4, TOP + 6);
        free = x(at) + wide + 12;
      }
    }
  }

  function pieceAt(event) {
    const { left, right, pitch, narrow } = layout();
    const box = canvas.getBoundingClientRect();
    const y = event.clientY - box.top, ns = view.from + ((event.clientX - box.left - left) / (right - left)) * (view.to - view.from);
    const slack = ((view.to - view.from) / (right - left)) * 2;
    const index = data.rows.findIndex((_, row) => y >= rowTop(row, pitch, narrow) - 6 && y <= rowTop(row, pitch, narrow) + ROW + 6);
    if (index < 0) return null;
    const hit = data.rows[index].pieces.findLast((piece) => piece[0] - slack <= ns && ns <= piece[1] + slack);
    return hit && pieceText(data.rows[index], hit);
  }

  // Where each finger or the pointer is; one moves the window, two zoom it.
  const pointers = new Map();
  let travelled = 0;
  const shareAt = (clientX) => {
    const { left, right } = layout(), box = canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - box.left - left) / (right - left)));
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.max(20, Math.abs(a.x - b.x)), middle: (a.x + b.x) / 2 };
  };
  canvas.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, { x: event.clientX });
    travelled = 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) {
      canvas.title = pieceAt(event) || "";
      return;
    }
    const before = pointers.size === 2 && spread();
    const by = event.clientX - pointer.x;
    pointer.x = event.clientX;
    travelled += Math.abs(by);
    if (before) {
      const after = spread();
      zoom(before.distance / after.distance, shareAt(after.middle));
    } else if (pointers.size === 1) {
      const { left, right } = layout();
      move(-by / (right - left));
    }
  });
  const release = (event) => {
    const alone = pointers.delete(event.pointerId) && pointers.size === 0;
    if (alone) say((event.type === "pointerup" && travelled < 4 && pieceAt(event)) || undefined);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("wheel", (event) => {
    // The wheel scrolls the page, until the reader has turned to the picture. A pinch on a touchpad says ctrl.
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    const by = event.deltaY || event.deltaX;
    if (!event.ctrlKey && (event.shiftKey || event.deltaX !== 0)) move(by > 0 ? 0.1 : -0.1);
    else zoom(by > 0 ? 1.25 : 0.8, shareAt(event.clientX));
    say();
  }, { passive: false });
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const actions = {
      ArrowLeft: moved(() => move(-0.25)), ArrowRight: moved(() => move(0.25)), "+": moved(() => zoom(0.5)),
      "=": moved(() => zoom(0.5)), "-": moved(() => zoom(2)), 0: all, Home: all, n: () => step(1), p: () => step(-1),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  root.hidden = false;
  still.hidden = true;
  new ResizeObserver(draw).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  say();
}

for (const script of document.querySelectorAll("script.viewer-data")) {
  const figure = script.parentElement;
  viewer(figure.querySelector(".viewer"), JSON.parse(script.textContent), figure.querySelector(".still"));
}
