"use strict";
// Two selections side by side: figures beside chance, layers, classes, neurons in common.
(function () {
  const entries = otoscope.data.compare;
  const sides = [...document.querySelectorAll("#choice .side")];
  const choice = document.getElementById("choice");
  const MOST = 200; // neurons listed

  function make(tag, text, ...children) {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    element.append(...children);
    return element;
  }

  /** A line of a table: of headings, or one that begins with a heading. */
  function row(cell, ...texts) {
    return make("tr", "", ...texts.map((text, place) => {
      const each = make(place ? cell : cell === "th" && !text ? "td" : "th", text);
      if (each.tagName === "TH") each.scope = cell === "th" ? "col" : "row";
      return each;
    }));
  }

  function table(label, heads, lines) {
    const body = make("tbody", "", ...lines);
    const grid = make("table", "", make("thead", "", row("th", ...heads)), body);
    const scroll = make("div", "", grid);
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", label);
    return scroll;
  }

  function names(list) {
    return list.length ? list.join(", ") : "none";
  }

  /** What the numbers say, in a sentence each. */
  function sentences(one, other) {
    const same = one.task === other.task && one.label === other.label;
    const said = [];
    if (one.key === other.key) return ["The same selection stands on both sides."];
    if (one.preset !== other.preset) said.push("The two were chosen in different ways: their numbers are not of one kind.");
    const covered = [one, other].map((each) => new Set(each.classes.filter((pair) => pair[1] > 0).map((pair) => pair[0])));
    if (same) {
      const both = [...covered[0]].filter((name) => covered[1].has(name));
      const alone = covered.map((own, side) => [...own].filter((name) => !covered[1 - side].has(name)));
      const none = one.classes.map((pair) => pair[0]).filter((name) => !covered[0].has(name) && !covered[1].has(name));
      said.push(`${one.model} covers ${one.covered}, ${other.model} ${other.covered}.`);
      said.push(`Neurons of their own in both: ${names(both)}. Only in the first: ${names(alone[0])}. Only in the second: ${names(alone[1])}. In neither: ${names(none)}.`);
    }
    const pair = [one.model, other.model].sort().join("\n");
    const compared = same ? [...one.compared, ...other.compared].filter((each) => each.models === pair) : [];
    said.push(...new Set(compared.map((each) => each.text)));
    if (same && !compared.length && one.model !== other.model) {
      said.push("Whether one tells the classes better than the other, on the same unseen clips, has not been tested: the verb compare does.");
    }
    return said;
  }

  function tellFacts(place, one, other) {
    const words = [...new Set([...one.facts, ...other.facts].map((fact) => fact[0]))];
    const lines = words.map((word) => {
      const line = row("td", word);
      for (const each of [one, other]) {
        const fact = each.facts.find((it) => it[0] === word);
        const cell = make("td");
        if (fact) {
          const [value, beside] = [make("span", fact[1]), make("span", fact[2])];
          value.className = "value";
          beside.className = "chance";
          cell.append(value, beside);
        } else cell.textContent = "–";
        line.append(cell);
      }
      return line;
    });
    const told = make("ul", "", ...sentences(one, other).map((text) => make("li", text)));
    told.className = "findings";
    told.setAttribute("aria-live", "polite");
    place.replaceChildren(table("Both selections", ["", one.title, other.title], lines), told);
  }

  function tellClasses(place, one, other) {
    place.replaceChildren();
    if (one.task !== other.task || one.label !== other.label) return;
    const counts = [one, other].map((each) => new Map(each.classes));
    const all = [...new Set([...counts[0].keys(), ...counts[1].keys()])];
    const lines = all.map((name) => row("td", name, ...counts.map((each) => String(each.get(name) ?? "–"))));
    place.append(make("h2", "Neurons of each class"), table("Neurons of each class", [one.label, one.title, other.title], lines));
  }

  function tellCommon(place, one, other) {
    place.replaceChildren(make("h2", "Neurons in common"));
    if (one.weights !== other.weights) {
      place.append(make("p", "These are two models: a number of layer and unit stands for a different neuron in each, so that none is in common."));
      return;
    }
    const own = new Map(other.neurons);
    const common = one.neurons.filter(([address]) => own.has(address));
    const union = one.neurons.length + other.neurons.length - common.length;
    const share = union ? (common.length / union).toFixed(2) : "–";
    place.append(make("p", `${common.length} of ${union} neurons were chosen in both (Jaccard index ${share}). Whether that is more than chance, the page Sharing tells of what was tested.`));
    const list = make("ul");
    list.className = "neurons";
    for (const [address, href] of common.slice(0, MOST)) {
      const links = [href, own.get(address)].filter(Boolean).map((target, position) => {
        const link = make("a", position ? "in the second" : address);
        link.href = target;
        return link;
      });
      list.append(make("li", links.length ? "" : address, ...links.flatMap((link, position) => (position ? [" ", link] : [link]))));
    }
    place.append(list);
    if (common.length > MOST) place.append(make("p", `${common.length - MOST} more are not listed.`));
  }

  function drawLayers(one, other) {
    const sides = one.key === other.key ? [one] : [one, other];
    const traces = sides.flatMap((each, place) => {
      const x = each.layers.map((_, layer) => layer);
      const color = `var(--series-${place + 1})`;
      return [
        { x, y: each.layers, name: each.shown, mode: "lines+markers", line: { color }, marker: { size: 8, symbol: ["circle", "diamond"][place] }, legendgroup: String(place), hovertemplate: "%{y}" },
        { x, y: each.chance, name: "permuted labels", mode: "lines", line: { color, dash: "dash", width: 1 }, legendgroup: String(place), showlegend: false, hovertemplate: "%{y:.1f}" },
      ];
    });
    otoscope.charts.draw(document.getElementById("by-layer"), {
      traces,
      layout: { xaxis: { title: { text: "layer" }, dtick: 1 }, yaxis: { title: { text: "neurons" }, rangemode: "tozero" }, hovermode: "x unified", legend: { orientation: "v", y: 1.02, yanchor: "bottom" } },
    });
  }

  function show(remember) {
    const [one, other] = sides.map((select) => entries[select.selectedIndex]);
    tellFacts(document.getElementById("comparison"), one, other);
    drawLayers(one, other);
    tellClasses(document.getElementById("classes"), one, other);
    tellCommon(document.getElementById("common"), one, other);
    if (remember) history.replaceState(null, "", "#" + new URLSearchParams({ a: one.key, b: other.key }));
  }

  function read() {
    const state = new URLSearchParams(location.hash.slice(1));
    const wanted = [state.get("a") || choice.dataset.first, state.get("b") || choice.dataset.second];
    sides.forEach((select, side) => {
      const place = entries.findIndex((each) => each.key === wanted[side]);
      select.selectedIndex = place < 0 ? side : place;
    });
    show(false);
  }

  for (const select of sides) select.addEventListener("change", () => show(true));
  window.addEventListener("hashchange", read);
  read();
})();
