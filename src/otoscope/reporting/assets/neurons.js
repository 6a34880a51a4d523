"use strict";
/* The page of all neurons: which rows to show, by what stands in the address after "#". */
(() => {
  const element = (id) => document.getElementById(id);
  if (!element("index")) return;
  const INDEX = JSON.parse(element("index").textContent);
  const FILTERS = ["class", "layer", "chosen", "follows", "low", "high", "most", "search"];
  const { make } = window.otoscope;
  let shown; // the labeling's data, with a typed array a column
  let table;
  let rows = new Uint32Array(0);

  /* ---- what a labeling's data say ---- */

  const numbers = (list, count) => Float64Array.from({ length: count }, (_, row) => list[row] ?? NaN);

  /** The place of each name when sorted by alphabet. */
  function ranks(names) {
    const order = names.map((_, place) => place).sort((a, b) => names[a].localeCompare(names[b]));
    const found = [];
    order.forEach((place, rank) => (found[place] = rank));
    return found;
  }

  /** Typed arrays of a data script's lists; each is made once. */
  function opened(data) {
    if (data.count) return data;
    data.count = data.top.length;
    data.layer = new Uint16Array(data.count);
    data.unit = new Uint32Array(data.count);
    let row = 0;
    data.layers.forEach((layer, number) => {
      for (let unit = 0; unit < layer.units; unit++, row++) {
        data.layer[row] = number;
        data.unit[row] = unit;
      }
    });
    for (const name of ["p", "entropy", "test", "rho"]) data[name] = numbers(data[name], data.count);
    data.picks = new Map();
    data.chosen.neuron.forEach((neuron, at) => {
      const picks = data.picks.get(neuron) || [];
      picks.push({ preset: data.chosen.preset[at], category: data.chosen.category[at] });
      data.picks.set(neuron, picks);
    });
    data.paged = data.pages === true ? null : new Set(data.pages);
    return data;
  }

  const address = (row) => `${shown.layer[row]}.${shown.unit[row]}`;

  /* ---- columns ---- */

  /** p as people read it: two digits, however small. */
  function small(p) {
    return p >= 0.1 || p === 0 ? p.toFixed(2) : p >= 0.0001 ? String(Number(p.toPrecision(2))) : p.toExponential(0);
  }

  function measured(key, title, hint, first, write) {
    return {
      key, title, hint, first, width: 7.4, numeric: true,
      values: () => shown[key],
      fill: (cell, row) => (cell.textContent = Number.isNaN(shown[key][row]) ? "–" : write(shown[key][row])),
    };
  }

  /** A column of names, by their place in a list; -1 for none. */
  function named(key, title, hint, names, places) {
    const order = ranks(names);
    return {
      key, title, hint, width: 12, first: "ascending",
      values: () => Float64Array.from(places, (place) => (place < 0 ? NaN : order[place])),
      fill: (cell, row) => (cell.textContent = cell.title = places[row] < 0 ? "–" : names[places[row]]),
    };
  }

  const neuron = {
    key: "neuron", title: "neuron", hint: "Sort by address", width: 6.4, first: "ascending",
    values: () => Float64Array.from({ length: shown.count }, (_, row) => row),
    fill(cell, row) {
      const paged = !shown.paged || shown.paged.has(row);
      const inside = make(paged ? "a" : "span", "", address(row));
      if (paged) inside.href = `neurons/${state.store}/${address(row)}.html`;
      else inside.title = "No page in this folder; otoscope serve shows every neuron";
      cell.append(inside);
    },
  };

  const layer = {
    key: "layer", title: "layer", hint: "Sort by layer", width: 5, numeric: true, first: "ascending",
    values: () => Float64Array.from(shown.layer),
    fill(cell, row) {
      cell.textContent = String(shown.layer[row]);
      cell.title = shown.layers[shown.layer[row]].name;
    },
  };

  /** A neuron's selections in words: which chose it, and for what. */
  function told(row) {
    const by = new Map();
    for (const { preset, category } of shown.picks.get(row) || []) {
      by.set(preset, [...(by.get(preset) || []), shown.classes[category]]);
    }
    return [...by].map(([preset, classes]) => `${shown.presets[preset]}: ${classes.join(", ")}`).join("; ");
  }

  const chosen = {
    key: "chosen", title: "chosen by, for", hint: "Sort by the first selection that chose it",
    width: 17, first: "ascending",
    // by preset in the order of the selections, then by class
    values: () => Float64Array.from({ length: shown.count }, (_, row) => {
      const [first] = shown.picks.get(row) || [];
      return first ? first.preset * shown.classes.length + first.category : NaN;
    }),
    fill: (cell, row) => (cell.textContent = cell.title = told(row) || "–"),
  };

  function columns() {
    const found = [
      neuron,
      layer,
      named("top", "fires most for", "Sort by class", shown.classes, shown.top),
      measured("p", "probability", "Sort by the probability that it fires for that class", "descending", (p) => p.toFixed(3)),
      measured("entropy", "entropy", "Sort by entropy, in nats", "ascending", (nats) => nats.toFixed(3)),
    ];
    if (shown.presets.length) found.push(chosen);
    if (shown.tested_by) found.push(measured("test", "test p", "Sort by the p of its own test", "ascending", small));
    if (shown.descriptors.length) {
      found.push(
        named("descriptor", "follows", "Sort by descriptor", shown.descriptors, shown.descriptor),
        measured("rho", "ρ", "Sort by rank correlation with the descriptor", "descending", (rho) => rho.toFixed(2)),
      );
    }
    return found;
  }

  /* ---- the state: what stands after "#" ---- */

  let state = {};

  function readState() {
    const asked = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const store = INDEX.find((each) => String(each.number) === asked.store) || INDEX[0];
    const label = store.labels.find((each) => each.label === asked.label) || store.labels[0];
    state = { ...asked, store: String(store.number), label: label.label };
    return label;
  }

  function writeState() {
    const kept = Object.fromEntries(Object.entries(state).filter(([, value]) => value));
    history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
  }

  function sorting() {
    const [key, direction] = (state.sort || "").split(":");
    if (shown.shownColumns.some((column) => column.key === key)) {
      return { key, direction: direction === "descending" ? direction : "ascending" };
    }
    return { key: shown.presets.length ? "chosen" : "neuron", direction: "ascending" };
  }

  /* ---- filters ---- */

  /** The tests that the state asks for, each of a row. */
  function wanted() {
    const tests = [];
    const category = shown.classes.indexOf(state.class);
    const preset = shown.presets.indexOf(state.chosen);
    const picks = (row) => shown.picks.get(row) || [];
    const picked = (row) => picks(row).some((each) =>
      (preset < 0 || each.preset === preset) && (category < 0 || each.category === category));
    if (preset >= 0 || state.chosen === "any") tests.push(picked);
    else if (category >= 0) tests.push((row) => shown.top[row] === category || picked(row));
    if (state.layer) tests.push((row) => String(shown.layer[row]) === state.layer);
    const descriptor = shown.descriptors.indexOf(state.follows);
    if (descriptor >= 0) tests.push((row) => shown.descriptor[row] === descriptor);
    else if (state.follows === "any" && shown.descriptors.length) tests.push((row) => shown.descriptor[row] >= 0);
    if (state.low) tests.push((row) => shown.entropy[row] >= Number(state.low));
    if (state.high) tests.push((row) => shown.entropy[row] <= Number(state.high));
    if (state.most && shown.tested_by) tests.push((row) => shown.test[row] <= Number(state.most));
    if ((state.search || "").trim()) tests.push(searched(state.search.trim().toLowerCase()));
    return tests;
  }

  /** Rows whose address begins so, or whose classes or descriptor hold the words. */
  function searched(words) {
    const holds = (name) => name.toLowerCase().includes(words);
    const classes = shown.classes.map(holds);
    const descriptors = shown.descriptors.map(holds);
    const isAddress = /^\d+(\.\d*)?$/.test(words);
    return (row) =>
      (isAddress && address(row).startsWith(words)) ||
      classes[shown.top[row]] ||
      (shown.picks.get(row) || []).some((each) => classes[each.category]) ||
      descriptors[shown.descriptor[row]] || false;
  }

  /** Filter, sort and show. */
  function apply() {
    const tests = wanted();
    rows = new Uint32Array(shown.count);
    let kept = 0;
    for (let row = 0; row < shown.count; row++) if (tests.every((test) => test(row))) rows[kept++] = row;
    rows = rows.subarray(0, kept);
    table.show(rows, sorting());
    const all = shown.count.toLocaleString("en");
    element("count").textContent =
      kept === shown.count ? `${all} neurons` : `${kept.toLocaleString("en")} of ${all} neurons`;
    element("reset").hidden = !FILTERS.some((name) => state[name]);
  }

  /* ---- controls ---- */

  /** Fill a select with [value, text] pairs; without more than one there is nothing to choose. */
  function fill(id, options, value) {
    const select = element(id);
    select.replaceChildren(...options.map(([each, text]) => new Option(text, each)));
    select.value = options.some(([each]) => each === (value || "")) ? value || "" : options[0][0];
    select.disabled = options.length < 2;
  }

  const same = (names) => names.map((name) => [name, name]);

  function controls() {
    const store = INDEX.find((each) => String(each.number) === state.store);
    fill("store", INDEX.map((each) => [String(each.number), `${each.number}. ${each.title}`]), state.store);
    fill("label", same(store.labels.map((each) => each.label)), state.label);
    fill("class", [["", "all"], ...same(shown.classes)], state.class);
    fill("layer", [["", "all"], ...shown.layers.map((each, number) => [String(number), `${number} (${each.name})`])], state.layer);
    fill("chosen", shown.presets.length ? [["", "whether or not"], ["any", "any selection"], ...same(shown.presets)] : [["", "no selection saved"]], state.chosen);
    fill("follows", [["", "whether or not"], ["any", "any descriptor"], ...same(shown.descriptors)], state.follows);
    for (const id of ["low", "high", "most", "search"]) element(id).value = state[id] || "";
    element("most").parentElement.hidden = !shown.tested_by;
    element("follows").parentElement.hidden = !shown.descriptors.length;
    const even = Math.log(shown.classes.length);
    element("high").placeholder = even.toFixed(2);
    element("low").placeholder = "0";
    element("even").textContent = `${even.toFixed(3)} here`;
  }

  /** Load the labeling that the state names, if it is not there yet, then show it. */
  function open() {
    const { data, script } = readState();
    const ready = () => {
      shown = opened(window.otoscope.data[data]);
      shown.shownColumns = columns();
      if (table) table.columns(shown.shownColumns);
      else table = new window.otoscope.Table(element("rows"), shown.shownColumns, sort);
      controls();
      apply();
    };
    if (window.otoscope.data[data]) return ready();
    element("count").textContent = "Loading …";
    const loading = make("script");
    loading.src = script;
    // Another labeling may have been asked for meanwhile.
    loading.addEventListener("load", () => readState().script === script && ready());
    loading.addEventListener("error", () => (element("count").textContent = `${script} could not be loaded.`));
    document.body.append(loading);
  }

  function sort({ key, direction }) {
    state.sort = `${key}:${direction}`;
    writeState();
    apply();
  }

  function quoted(value) {
    return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  }

  /** The rows shown, in their order, as a file. */
  function csv() {
    const written = (values, row) => (Number.isNaN(values[row]) ? "" : String(values[row]));
    const lines = [["layer", "unit", "fires_most_for", "probability", "entropy", "chosen", "test_p", "follows", "rho"]];
    for (const row of table.order) {
      lines.push([
        String(shown.layer[row]), String(shown.unit[row]), shown.classes[shown.top[row]] ?? "",
        written(shown.p, row), written(shown.entropy, row), told(row), written(shown.test, row),
        shown.descriptors[shown.descriptor[row]] ?? "", written(shown.rho, row),
      ]);
    }
    const text = lines.map((line) => line.map(quoted).join(",")).join("\n");
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" }));
    link.download = "neurons.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  for (const id of FILTERS) {
    element(id).addEventListener("input", () => {
      state[id] = element(id).value;
      writeState();
      apply();
    });
  }
  for (const id of ["store", "label"]) {
    element(id).addEventListener("change", () => {
      // Classes are other ones in another labeling; a layer means the same in it.
      const { store, label, layer: kept } = { ...state, [id]: element(id).value };
      state = { store, label, layer: id === "label" ? kept : "" };
      writeState();
      open();
    });
  }
  element("reset").addEventListener("click", () => {
    for (const name of FILTERS) state[name] = "";
    writeState();
    controls();
    apply();
    element("search").focus();
  });
  element("csv").addEventListener("click", csv);
  window.addEventListener("hashchange", open);
  document.querySelector(".filters").hidden = false;
  element("csv").hidden = false;
  open();
})();
