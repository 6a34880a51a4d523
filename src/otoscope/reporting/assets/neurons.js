"use strict";
/* The page of all neurons: which rows to show, by what stands in the address after "#". */
(() => {
  const element = (id) => document.getElementById(id);
  if (!element("index")) return;
  const INDEX = JSON.parse(element("index").textContent);
  const FILTERS = ["class", "layer", "chosen", "follows", "low", "high", "most", "search"];
  const TESTED = {
    evidence: "The neuron’s own test: how often permuted labels make any neuron of the model fire for a class as distinctly as this one does.",
    specific: "The test of the selection “specific”, of the neurons that it chose: on clips that had no part in the choice, how often chance alone sets the neuron’s classes apart as far from every other; not corrected for the number of neurons tested.",
    "": "No test of single neurons was saved; otoscope evidence makes one.",
  };
  const { make, neurons } = window.otoscope;
  let shown; // the labeling's data, with a typed array a column
  let table;
  let rows = new Uint32Array(0);

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
      (isAddress && shown.address(row).startsWith(words)) ||
      classes[shown.top[row]] ||
      (shown.picks.get(row) || []).some((each) => classes[each.category]) ||
      descriptors[shown.descriptor[row]] || false;
  }

  /** Filter, sort and show. */
  function apply() {
    if (!shown) return; // still loading; what was asked for stands in the address
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
    fill("chosen", shown.presets.length ? [["", "all neurons"], ["any", "any selection"], ...same(shown.presets)] : [["", "no selection saved"]], state.chosen);
    fill("follows", [["", "all neurons"], ["any", "any descriptor"], ...same(shown.descriptors)], state.follows);
    for (const id of ["low", "high", "most", "search"]) element(id).value = state[id] || "";
    element("most").parentElement.hidden = !shown.tested_by;
    element("follows").parentElement.hidden = !shown.descriptors.length;
    const even = Math.log(shown.classes.length);
    element("high").placeholder = even.toFixed(2);
    element("low").placeholder = "0";
    element("tested").textContent = TESTED[shown.tested_by];
    element("even").textContent = `${even.toFixed(3)} here`;
  }

  /** Load the labeling that the state names, if it is not there yet, then show it. */
  function open() {
    const { data, script } = readState();
    const ready = () => {
      shown = neurons.opened(window.otoscope.data[data]);
      shown.shownColumns = neurons.columns(shown, state.store);
      if (table) table.columns(shown.shownColumns);
      else table = new window.otoscope.Table(element("rows"), shown.shownColumns, sort);
      controls();
      apply();
      element("csv").hidden = false;
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
        written(shown.p, row), written(shown.entropy, row), shown.told(row), written(shown.test, row),
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
  // A link within the page, to the columns or past the navigation, leaves the rows as they are.
  window.addEventListener("hashchange", () => location.hash.includes("=") && open());
  document.querySelector(".filters").hidden = false;
  open();
})();
