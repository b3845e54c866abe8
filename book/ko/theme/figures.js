// The interactive figures and the quizzes of the book. The same file serves both editions; it asks nobody for anything.
//
// A page holds a <figure data-figure="ticks|lock-lanes"> with a picture and a recording as JSON. What is built here takes
// the place of the picture on the screen; in print, and where this script does not run, the picture stays. Everything
// that a figure says is computed from its recording, and what it shows is a function of the recording and of the step:
// so going forward and back ends where it began. Nothing slides or fades, whatever a reader's system allows: “play” goes
// from step to step, and only when somebody asked for it.
(() => {
  "use strict";

  const WORDS = {
    en: {
      first: "first", back: "back", play: "play", pause: "pause", next: "forward", last: "last",
      keys: "Keys, once the figure has the focus: ← → step, Home and End jump",
      keysPlay: ", Space plays.", keysZoom: ", + and − zoom.",
      ticks: "The loop step by step", lanes: "Who has the lock",
      step: (n, all) => `Step ${n} of ${all}`,
      before: "before the loop", pass: (n) => (n === 0 ? "before the first pass" : `pass ${n}`),
      kinds: { timer: "timer", tick: "tick", microtask: "microtask", immediate: "immediate", task: "task", file: "file", close: "close" },
      queues: { timer: "timers set", tick: "ticks", microtask: "microtasks", immediate: "immediates", task: "ready tasks", file: "jobs in the pool", close: "to be closed" },
      jobs: { waits: "waits", runs: "runs", done: "done" },
      main: "The main program runs", passBegins: (n) => `Pass ${n} begins`,
      phaseBegins: (pass, phase) => `${pass}, phase ${phase}`,
      polled: (took, events) => `The loop asks the system what is ready, which takes ${took}; ${events === 0 ? "nothing is" : `${events} ${events === 1 ? "event" : "events"}`}`,
      runs: (what, took) => `${what} runs for ${took}`, since: (since) => `${since} after it was set`,
      asks: (list) => `It asks for ${list}`, inMs: (ms) => ` in ${ms} ms`,
      jobBegins: (thread, what) => `Meanwhile, on thread ${thread} of the pool, the job for ${what} begins`,
      jobEnds: (thread, what) => `Meanwhile, on thread ${thread} of the pool, the job for ${what} ends; its callback waits for the loop`,
      end: "Nothing is left, and the loop ends", at: (time) => `at ${time}`,
      now: "now", done: "over", log: "What has run, in order", none: "none", nothing: "Nothing yet.",
      recorded: "Recorded", lost: (n) => `${n} records lost`, typed: "your own:",
      policy: "Policy of the lock", zoomIn: "zoom in", zoomOut: "zoom out", all: "show all",
      holds: "has the lock", waits: "waits for it", without: "does without", cursor: "the time that is described",
      free: "There is no global lock under this policy: nothing to have, nothing to wait for, and so no records.",
      moment: (n, all) => `Hand-over ${n} of ${all}`, between: "Between two hand-overs",
      gets: (who, from) => (from ? `${who} gets the lock from ${from}` : `${who} has the lock`), takes: (who) => `${who} takes its own lock`,
      has: (who) => `with a lock: ${who}`, wants: (who) => `waiting: ${who}`, nobody: "nobody",
      summary: "The window of each policy, and what the program printed about its whole run",
      columns: ["policy", "window", "hand-overs", "longest wait", "share of the time with the lock", "an echo took, p50", "records lost"],
      range: (from, to) => `Shown: ${from} to ${to}`,
      right: "right", wrong: "not right", rightSays: (n) => `Option ${n} is right.`, wrongSays: (n, right) => `Option ${n} is not right; option ${right} is.`,
      options: "Options",
    },
    ko: {
      first: "처음", back: "뒤로", play: "재생", pause: "멈춤", next: "앞으로", last: "끝",
      keys: "그림에 포커스가 있을 때: ← → 한 걸음, Home과 End 처음과 끝",
      keysPlay: ", Space 재생.", keysZoom: ", +와 − 확대와 축소.",
      ticks: "한 걸음씩 보는 루프", lanes: "누가 락을 가졌는가",
      step: (n, all) => `${all}걸음 가운데 ${n}번째`,
      before: "루프가 돌기 전", pass: (n) => (n === 0 ? "첫 바퀴 전" : `${n}번째 바퀴`),
      kinds: { timer: "타이머", tick: "틱", microtask: "마이크로태스크", immediate: "immediate", task: "태스크", file: "파일", close: "닫기" },
      queues: { timer: "맞춰 둔 타이머", tick: "틱", microtask: "마이크로태스크", immediate: "immediate", task: "준비된 태스크", file: "풀의 작업", close: "닫을 것" },
      jobs: { waits: "대기", runs: "실행 중", done: "끝남" },
      main: "주 프로그램이 실행됩니다", passBegins: (n) => `${n}번째 바퀴가 시작됩니다`,
      phaseBegins: (pass, phase) => `${pass}, ${phase} 단계`,
      polled: (took, events) => `루프가 무엇이 준비되었는지 운영체제에 묻습니다. ${took} 걸렸고, ${events === 0 ? "준비된 것이 없습니다" : `사건은 ${events}개입니다`}`,
      runs: (what, took) => `${what} 실행, ${took}`, since: (since) => `맞춘 지 ${since} 뒤`,
      asks: (list) => `여기서 부탁한 것: ${list}`, inMs: (ms) => `(${ms} ms 뒤)`,
      jobBegins: (thread, what) => `그동안 풀의 스레드 ${thread}에서: ${what} 작업 시작`,
      jobEnds: (thread, what) => `그동안 풀의 스레드 ${thread}에서: ${what} 작업 끝. 콜백은 루프를 기다립니다`,
      end: "남은 일이 없어 루프가 끝납니다", at: (time) => `시각 ${time}`,
      now: "지금", done: "지남", log: "지금까지 실행된 것, 순서대로", none: "없음", nothing: "아직 없습니다.",
      recorded: "기록", lost: (n) => `자리가 없어 버린 기록 ${n}개`, typed: "직접 해 보기:",
      policy: "락의 정책", zoomIn: "확대", zoomOut: "축소", all: "전체 보기",
      holds: "락을 가짐", waits: "락을 기다림", without: "락 없이 지냄", cursor: "설명하는 시각",
      free: "이 정책에는 전역 락이 없습니다. 가질 것도 기다릴 것도 없으니 기록도 없습니다.",
      moment: (n, all) => `락이 넘어간 ${all}번 가운데 ${n}번째`, between: "락이 넘어가는 사이",
      gets: (who, from) => (from ? `락을 받은 스레드 ${who}, 내준 스레드 ${from}` : `락을 가진 스레드 ${who}`), takes: (who) => `자기 락을 가져가는 스레드 ${who}`,
      has: (who) => `가진 스레드: ${who}`, wants: (who) => `기다리는 스레드: ${who}`, nobody: "없음",
      summary: "정책마다 보이는 구간, 그리고 프로그램이 전체 실행을 두고 출력한 값",
      columns: ["정책", "구간", "넘어간 횟수", "가장 긴 기다림", "락을 가진 시간의 몫", "에코 하나의 p50", "버린 기록"],
      range: (from, to) => `보이는 범위: ${from}부터 ${to}까지`,
      right: "맞음", wrong: "틀림", rightSays: (n) => `${n}번이 맞습니다.`, wrongSays: (n, right) => `${n}번은 틀립니다. 맞는 것은 ${right}번입니다.`,
      options: "보기",
    },
  };
  const words = document.documentElement.lang.startsWith("ko") ? WORDS.ko : WORDS.en;

  /** An element with attributes and children; a child that is text stays text. */
  const make = (name, attributes = {}, ...children) => {
    const one = name.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => value !== null && one.setAttribute(key, value));
    one.append(...children.filter((child) => child !== null));
    return one;
  };
  const button = (label, sign, act) => {
    const one = make("button", { type: "button" }, make("span", { "aria-hidden": "true" }, sign), ` ${label}`);
    one.addEventListener("click", act);
    return one;
  };
  /** A time in the unit that suits it, with three digits: it is written as the results are. */
  const time = (ns) => {
    if (ns === 0) return "0 ms";
    const [unit, by] = ns < 1e3 ? ["ns", 1] : ns < 1e6 ? ["µs", 1e3] : ["ms", 1e6];
    return `${number(ns / by)} ${unit}`;
  };
  const number = (value) => (value === 0 ? "0" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** Where the recording comes from. */
  const origin = (run, lost) => make("p", { class: "lf-run" },
    `${words.recorded}: ${run.program}, ${run.started_at}, ${run.cpu} × ${run.cores}, ${run.os}, runtime-lab ${run.version}, rustc ${run.rustc}; ${words.lost(lost)}; ${words.typed} `,
    make("code", {}, run.command));

  /** Keys that the figure takes; others, and those that belong to a control inside, go on to whom they belong. */
  const takeKeys = (box, keys) => box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const inControl = event.target !== box && (event.target.matches("input") || event.key === " ");
    // The book itself turns the page with these keys; not while one is in a figure.
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") event.stopPropagation();
    if (inControl || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });

  // ---- ticks -------------------------------------------------------------------------------------------------------

  const QUEUES = ["tick", "microtask", "timer", "immediate", "task", "file", "close"];
  const thing = (what) => `${words.kinds[what.kind] ?? what.kind} ${what.name}`;

  /** What waits where, and what has run, after the steps up to `index`; nothing but the recording decides it. */
  const stateAt = (steps, index) => {
    const state = { queues: Object.fromEntries(QUEUES.map((kind) => [kind, []])), log: [], pass: null, phase: null };
    const leave = (kind, name) => { state.queues[kind] = state.queues[kind].filter((one) => one.name !== name); };
    for (const step of steps.slice(0, index + 1)) {
      if ("pass" in step) [state.pass, state.phase] = [step.pass, step.phase ?? null];
      if (step.what === "end") [state.pass, state.phase] = [null, null];
      if (step.what === "job") state.queues.file.forEach((one) => { if (one.name === step.name) one.state = step.begins ? "runs" : "done"; });
      if (step.what === "run") {
        leave(step.kind, step.name);
        state.log.push(step);
      }
      for (const ask of step.asks ?? []) {
        // A timer that is to be closed will not fire any more.
        if (ask.kind === "close") leave("timer", ask.name);
        state.queues[ask.kind].push({ ...ask, state: ask.kind === "file" ? "waits" : null });
      }
    }
    return state;
  };

  /** A step in words. */
  const tell = (step) => {
    const asked = (step.asks ?? []).map((ask) => thing(ask) + ("ms" in ask ? words.inMs(ask.ms) : "")).join(", ");
    const asks = asked ? ` ${words.asks(asked)}.` : "";
    const where = "pass" in step ? (step.phase ? words.phaseBegins(words.pass(step.pass), step.phase) : step.pass === 0 ? words.before : words.pass(step.pass)) : "";
    switch (step.what) {
      case "main": return `${words.main}.${asks}`;
      case "pass": return `${words.passBegins(step.pass)}.`;
      case "phase": return `${where}.`;
      case "poll": return `${where}. ${words.polled(time(step.took_ns), step.events)}.`;
      case "run": return `${where}: ${words.runs(thing(step), time(step.took_ns))}${"since_ns" in step ? `, ${words.since(time(step.since_ns))}` : ""}.${asks}`;
      case "job": return `${(step.begins ? words.jobBegins : words.jobEnds)(step.thread, thing({ kind: "file", name: step.name }))}.`;
      default: return `${words.end}.`;
    }
  };

  const buildTicks = ({ steps, phases, run, dropped }) => {
    let at = 0, playing = null;
    const count = make("strong", { class: "lf-count" });
    const said = make("p", { class: "lf-said", role: "status", "aria-live": "polite" });
    const rail = make("ol", { class: "lf-rail" });
    const queues = make("dl", { class: "lf-queues" });
    const log = make("ol", { class: "lf-log", "aria-label": words.log });
    const go = (to) => { at = clamp(to, 0, steps.length - 1); show(); };
    const stop = () => { clearInterval(playing); playing = null; };
    const play = () => {
      if (playing) stop();
      else {
        if (at === steps.length - 1) at = 0;
        playing = setInterval(() => { if (at < steps.length - 1) at += 1; else stop(); show(); }, 1200);
      }
      show();
    };
    const step = (to) => () => { stop(); go(to()); };
    const buttons = {
      first: button(words.first, "|◀", step(() => 0)),
      back: button(words.back, "◀", step(() => at - 1)),
      play: button(words.play, "▷", play),
      next: button(words.next, "▶", step(() => at + 1)),
      last: button(words.last, "▶|", step(() => steps.length - 1)),
    };
    Object.entries(buttons).forEach(([name, one]) => { one.dataset.act = name; });

    const place = (name, key, state, now) => {
      const is = key === now ? "now" : now !== null && phases.indexOf(key) < phases.indexOf(now) ? "over" : "";
      const ran = state.log.filter((one) => one.pass === state.pass && (one.phase ?? null) === key);
      return make("li", { class: `lf-place ${is && `lf-${is}`}`, "aria-current": is === "now" ? "step" : null },
        make("span", { class: "lf-name" }, name), make("span", { class: "lf-mark" }, is === "now" ? words.now : is === "over" ? words.done : ""),
        ...ran.map((one) => make("span", { class: "lf-chip" }, thing(one))));
    };
    const show = () => {
      const current = steps[at], state = stateAt(steps, at);
      count.textContent = words.step(at + 1, steps.length);
      const sentence = tell(current);
      said.replaceChildren(make("b", {}, sentence[0].toUpperCase() + sentence.slice(1)), ` (${words.at(time(current.ns))})`);
      // Before the first pass the timers are looked at out of their turn: nothing of a pass is over then.
      const now = state.phase, inPass = state.pass !== null && state.pass > 0;
      rail.replaceChildren(
        make("li", { class: `lf-place ${!inPass && !now && current.what !== "end" ? "lf-now" : ""}` },
          make("span", { class: "lf-name" }, inPass ? words.pass(state.pass) : words.before), make("span", { class: "lf-mark" }, !inPass && !now && current.what !== "end" ? words.now : ""),
          ...(inPass ? [] : state.log.filter((one) => !one.phase && one.pass === 0).map((one) => make("span", { class: "lf-chip" }, thing(one))))),
        ...phases.map((phase) => {
          const one = place(phase, phase, state, now);
          if (!inPass && one.classList.contains("lf-over")) { one.classList.remove("lf-over"); one.querySelector(".lf-mark").textContent = ""; }
          return one;
        }));
      queues.replaceChildren(...QUEUES.map((kind) => make("div", {}, make("dt", {}, words.queues[kind]),
        make("dd", {}, ...(state.queues[kind].length === 0 ? [words.none] : state.queues[kind].map((one) =>
          make("span", { class: "lf-chip" }, one.name + ("ms" in one ? words.inMs(one.ms) : "") + (one.state ? `: ${words.jobs[one.state]}` : ""))))))));
      log.replaceChildren(...(state.log.length === 0 ? [make("li", { class: "lf-none" }, words.nothing)] : state.log.map((one, index) =>
        make("li", { class: `lf-chip ${current === one ? "lf-now" : ""}`, "aria-current": current === one ? "step" : null }, `${index + 1} ${thing(one)}`))));
      buttons.first.disabled = buttons.back.disabled = at === 0;
      buttons.next.disabled = buttons.last.disabled = at === steps.length - 1;
      buttons.play.lastChild.textContent = ` ${playing ? words.pause : words.play}`;
      buttons.play.firstChild.textContent = playing ? "❚❚" : "▷";
    };
    const box = make("div", { class: "lf", tabindex: "0", role: "group", "aria-label": words.ticks },
      make("div", { class: "lf-bar" }, ...Object.values(buttons), count), said, rail, queues,
      make("p", { class: "lf-title" }, words.log), log, make("p", { class: "lf-keys" }, words.keys + words.keysPlay), origin(run, dropped));
    takeKeys(box, { ArrowLeft: step(() => at - 1), ArrowRight: step(() => at + 1), Home: step(() => 0), End: step(() => steps.length - 1), " ": play });
    return { box, show };
  };

  // ---- lock-lanes --------------------------------------------------------------------------------------------------

  const HOLDS = 0, WAITS = 1;

  /** The segments by name instead of by place, and when a lock came to another thread than before. */
  const readPolicy = (policy) => {
    const segments = policy.segments.map(([lane, kind, from, length, made]) => ({ lane, kind, from, to: from + length, length, made }));
    const holders = new Map(), moments = [];
    const own = new Set(policy.locks).size > 1;
    for (const one of segments.filter((one) => one.kind === HOLDS)) {
      const lock = policy.locks[one.lane], before = holders.get(lock);
      if (own || before !== one.lane) moments.push({ at: one.from, lane: one.lane, before: before ?? null });
      holders.set(lock, one.lane);
    }
    const sum = (list) => list.reduce((all, one) => all + one.length, 0);
    const of = (lane, kind) => segments.filter((one) => one.lane === lane && one.kind === kind);
    return {
      ...policy, segments, moments, own,
      handOvers: own ? 0 : Math.max(0, moments.length - 1),
      longest: Math.max(0, ...segments.filter((one) => one.kind === WAITS).map((one) => one.length)),
      shares: policy.lanes.map((name, lane) => [name, policy.window_ns ? sum(of(lane, HOLDS)) / policy.window_ns : 0]),
      at: (ns, kind) => segments.filter((one) => one.kind === kind && one.from <= ns && ns < one.to).map((one) => policy.lanes[one.lane]),
    };
  };

  const buildLanes = ({ policies: recorded, run }) => {
    const policies = recorded.map(readPolicy);
    // The one that CPython has had for longest is shown first: its rules are those that the page explains.
    let policy = policies.find((one) => one.name === "gil310") ?? policies[0], at = 0, from = 0, length = policy.window_ns;
    const id = `lf-hatch-${document.querySelectorAll(".lf").length}`;
    const said = make("p", { class: "lf-said", role: "status", "aria-live": "polite" });
    const picture = make("div", { class: "lf-picture" });
    const range = make("span", { class: "lf-count" });
    const table = make("div", { class: "lf-scroll", tabindex: "0", role: "group", "aria-label": words.summary });

    const choices = make("fieldset", { class: "lf-policies" }, make("legend", {}, words.policy), ...policies.map((one) => {
      const input = make("input", { type: "radio", name: id, value: one.name });
      input.checked = one === policy;
      input.addEventListener("change", () => { [policy, at, from, length] = [one, 0, 0, one.window_ns]; show(); });
      return make("label", {}, input, ` ${one.name} `, make("small", {}, one.from));
    }));
    const index = () => policy.moments.findIndex((one) => one.at === at);
    const goTo = (ns) => {
      at = ns;
      // What is described is always in sight.
      if (at < from || at > from + length) from = clamp(at - length / 2, 0, policy.window_ns - length);
      show();
    };
    const moment = (pick) => () => { const one = pick(policy.moments); if (one) goTo(one.at); };
    const acts = {
      first: moment((all) => all[0]),
      back: moment((all) => all.findLast((one) => one.at < at)),
      next: moment((all) => all.find((one) => one.at > at)),
      last: moment((all) => all.at(-1)),
    };
    const zoom = (by) => () => {
      const wanted = clamp(length * by, Math.min(20_000, policy.window_ns), policy.window_ns);
      from = clamp(at - (at - from) * (wanted / length), 0, policy.window_ns - wanted);
      if (at < from || at > from + wanted) from = clamp(at - wanted / 2, 0, policy.window_ns - wanted);
      length = wanted;
      show();
    };
    const buttons = {
      first: button(words.first, "|◀", acts.first), back: button(words.back, "◀", acts.back),
      next: button(words.next, "▶", acts.next), last: button(words.last, "▶|", acts.last),
      zoomIn: button(words.zoomIn, "+", zoom(0.5)), zoomOut: button(words.zoomOut, "−", zoom(2)), all: button(words.all, "↔", zoom(Infinity)),
    };
    Object.entries(buttons).forEach(([name, one]) => { one.dataset.act = name; });

    const LANE = 34, LEFT = 84, TOP = 8, FOOT = 24;
    const draw = () => {
      const width = Math.max(280, picture.clientWidth || 700), height = TOP + policy.lanes.length * LANE + FOOT;
      const x = (ns) => LEFT + ((ns - from) / length) * (width - LEFT - 8);
      const svg = make("svg:svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${words.lanes}: ${policy.name}. ${said.textContent}` },
        make("svg:defs", {}, make("svg:pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(30)" },
          make("svg:rect", { width: 6, height: 6, class: "lf-hatch-back" }), make("svg:line", { x1: 1, x2: 1, y2: 6, class: "lf-hatch-line" }))));
      const visible = policy.segments.filter((one) => one.to >= from && one.from <= from + length);
      policy.lanes.forEach((name, lane) => {
        const y = TOP + lane * LANE;
        svg.append(make("svg:text", { x: 0, y: y + 20, class: "lf-lane" }, name), make("svg:line", { x1: LEFT, x2: width - 8, y1: y + 15, y2: y + 15, class: "lf-without" }));
        for (const one of visible.filter((one) => one.lane === lane)) {
          const left = Math.max(LEFT, x(one.from)), right = Math.min(width - 8, x(one.to));
          svg.append(make("svg:rect", { x: left, y: y + (one.kind === HOLDS ? 2 : 5), width: Math.max(1, right - left), height: one.kind === HOLDS ? 26 : 20,
            class: one.kind === HOLDS ? "lf-holds" : "lf-waits", fill: one.kind === HOLDS ? null : `url(#${id})` },
          make("svg:title", {}, `${name}: ${one.kind === HOLDS ? words.holds : words.waits}, ${time(one.length)}${one.made > 1 ? ` (× ${one.made})` : ""}`)));
        }
      });
      const bottom = height - FOOT;
      for (const part of [0, 0.5, 1]) {
        svg.append(make("svg:text", { x: LEFT + part * (width - LEFT - 8), y: height - 6, class: "lf-lane", "text-anchor": ["start", "middle", "end"][part * 2] }, time(from + part * length)));
      }
      if (at >= from && at <= from + length) svg.append(make("svg:line", { x1: x(at), x2: x(at), y1: 0, y2: bottom, class: "lf-cursor" }));
      svg.addEventListener("click", (event) => {
        const inside = (event.clientX - svg.getBoundingClientRect().left) * (width / svg.getBoundingClientRect().width);
        if (inside >= LEFT) goTo(clamp(Math.round(from + ((inside - LEFT) / (width - LEFT - 8)) * length), 0, policy.window_ns));
      });
      picture.replaceChildren(svg);
    };
    const show = () => {
      const none = policy.lanes.length === 0;
      const n = index(), one = policy.moments[n];
      const list = (names) => names.join(", ") || words.nobody;
      if (none) said.replaceChildren(words.free);
      else {
        const what = !one ? words.between : policy.own ? words.takes(policy.lanes[one.lane]) : one.before === null ? words.gets(policy.lanes[one.lane], "")
          : `${words.moment(n, policy.handOvers)}: ${words.gets(policy.lanes[one.lane], policy.lanes[one.before])}`;
        const who = one && !policy.own ? "" : `${words.has(list(policy.at(at, HOLDS)))}; `;
        said.replaceChildren(make("b", {}, `${time(at)}. ${what}.`), ` ${who}${words.wants(list(policy.at(at, WAITS)))}.`);
      }
      range.textContent = none ? "" : words.range(time(from), time(from + length));
      if (none) picture.replaceChildren(); else draw();
      buttons.first.disabled = buttons.back.disabled = none || !policy.moments.some((one) => one.at < at);
      buttons.next.disabled = buttons.last.disabled = none || !policy.moments.some((one) => one.at > at);
      buttons.zoomIn.disabled = none || length <= 20_000;
      buttons.zoomOut.disabled = buttons.all.disabled = none || length >= policy.window_ns;
      for (const row of table.querySelectorAll("tbody tr")) row.toggleAttribute("data-chosen", row.dataset.policy === policy.name);
    };
    const cells = (one) => one.lanes.length === 0 ? ["–", "–", "–", "–"] : [
      time(one.window_ns), `${one.handOvers}`, time(one.longest), one.shares.map(([name, share]) => `${name} ${number(share * 100)} %`)];
    table.append(make("table", { "aria-label": words.summary }, make("thead", {}, make("tr", {}, ...words.columns.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...policies.map((one) => make("tr", { "data-policy": one.name }, make("th", { scope: "row" }, one.name),
        ...[...cells(one), "p50_ms" in one.printed ? `${number(one.printed.p50_ms)} ms` : "–", `${one.dropped}`].map((cell) => make("td", {}, ...(Array.isArray(cell) ? cell.map((line) => make("div", {}, line)) : [cell]))))))));
    const sample = (name, text) => make("span", {}, make("span", { class: `lf-sample lf-sample-${name}`, "aria-hidden": "true" }), ` ${text}`);
    const box = make("div", { class: "lf", tabindex: "0", role: "group", "aria-label": words.lanes }, choices,
      make("div", { class: "lf-bar" }, ...Object.values(buttons), range), said, picture,
      make("p", { class: "lf-legend" }, sample("holds", words.holds), sample("waits", words.waits), sample("without", words.without), sample("cursor", words.cursor)),
      make("p", { class: "lf-keys" }, words.keys + words.keysZoom), make("p", { class: "lf-title" }, words.summary), table, origin(run, policies.reduce((all, one) => all + one.dropped, 0)));
    takeKeys(box, { ArrowLeft: acts.back, ArrowRight: acts.next, Home: acts.first, End: acts.last, "+": zoom(0.5), "=": zoom(0.5), "-": zoom(2) });
    let width = 0;
    new ResizeObserver(() => {
      if (picture.clientWidth !== width && policy.lanes.length > 0) { width = picture.clientWidth; draw(); }
    }).observe(picture);
    return { box, show };
  };

  // ---- quizzes -----------------------------------------------------------------------------------------------------

  const buildQuiz = (quiz) => {
    const right = Number(quiz.dataset.answer), items = [...quiz.querySelectorAll(":scope > ol > li")], answer = quiz.querySelector("details");
    const said = make("p", { class: "quiz-said", role: "status", "aria-live": "polite" });
    const options = items.map((item, index) => {
      const mark = make("span", { class: "quiz-mark" });
      const one = make("button", { type: "button", class: "quiz-option", "aria-pressed": "false" }, make("span", { class: "quiz-number" }, `${index + 1}.`), " ");
      const text = make("span", { class: "quiz-text" });
      text.append(...(item.children.length === 1 && item.firstElementChild.matches("p") ? item.firstElementChild : item).childNodes);
      one.append(text, mark);
      one.addEventListener("click", () => {
        const good = index + 1 === right;
        options.forEach((other) => { other.one.setAttribute("aria-pressed", "false"); other.one.removeAttribute("data-verdict"); other.mark.textContent = ""; });
        one.setAttribute("aria-pressed", "true");
        one.dataset.verdict = good ? "right" : "wrong";
        mark.textContent = ` ${good ? "✓" : "✗"} ${good ? words.right : words.wrong}`;
        said.textContent = good ? words.rightSays(index + 1) : words.wrongSays(index + 1, right);
        if (answer) answer.open = true;
      });
      item.replaceChildren(one);
      return { one, mark };
    });
    const list = quiz.querySelector(":scope > ol");
    list?.setAttribute("aria-label", words.options);
    list?.after(said);
    quiz.classList.add("quiz-live");
  };

  const BUILDERS = { ticks: buildTicks, "lock-lanes": buildLanes };
  for (const figure of document.querySelectorAll("figure.lab-figure[data-figure]")) {
    const data = figure.querySelector('script[type="application/json"]'), build = BUILDERS[figure.dataset.figure];
    if (!data || !build) continue;
    const { box, show } = build(JSON.parse(data.textContent));
    figure.querySelector("img")?.after(box);
    figure.classList.add("lf-live");
    show();
  }
  document.querySelectorAll("div.quiz[data-answer]").forEach(buildQuiz);
})();
