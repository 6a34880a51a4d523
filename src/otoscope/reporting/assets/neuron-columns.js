"use strict";
/* What the data of a labeling say of its neurons, as columns of the table. */
(() => {
  const { make } = window.otoscope;

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
    data.address = (place) => `${data.layer[place]}.${data.unit[place]}`;
    data.told = (place) => told(data, place);
    data.paged = data.pages === true ? null : new Set(data.pages);
    return data;
  }

  /** A neuron's selections in words: which chose it, and for what. */
  function told(data, row) {
    const by = new Map();
    for (const { preset, category } of data.picks.get(row) || []) {
      by.set(preset, [...(by.get(preset) || []), data.classes[category]]);
    }
    return [...by].map(([preset, classes]) => `${data.presets[preset]}: ${classes.join(", ")}`).join("; ");
  }

  /** p as people read it: two digits, however small. */
  function small(p) {
    return p >= 0.1 || p === 0 ? p.toFixed(2) : p >= 0.0001 ? String(Number(p.toPrecision(2))) : p.toExponential(0);
  }

  /** The columns of a labeling's table; a link leads to the pages of store number `store`. */
  function columns(shown, store) {
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
        const inside = make(paged ? "a" : "span", "", shown.address(row));
        if (paged) inside.href = `neurons/${store}/${shown.address(row)}.html`;
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

    const chosen = {
      key: "chosen", title: "chosen by, for", hint: "Sort by the first selection that chose it",
      width: 17, first: "ascending",
      // by preset in the order of the selections, then by class
      values: () => Float64Array.from({ length: shown.count }, (_, row) => {
        const [first] = shown.picks.get(row) || [];
        return first ? first.preset * shown.classes.length + first.category : NaN;
      }),
      fill: (cell, row) => (cell.textContent = cell.title = shown.told(row) || "–"),
    };

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

  window.otoscope.neurons = { opened, columns };
})();
