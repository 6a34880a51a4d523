"use strict";
// Matrices of shared neurons: put in order, pointed at, clicked, or chosen from by two lists.
(function () {
  const MOST = 200; // neurons listed in one cell

  for (const article of document.querySelectorAll("[data-matrix]")) {
    show(article, otoscope.data[article.dataset.matrix]);
  }

  function show(article, matrix) {
    const find = (name) => article.querySelector(name);
    const plot = find(".heat"), order = find(".order"), cell = find(".cell");
    const chosen = [find(".row"), find(".column")];
    chosen.forEach((select, side) => fill(select, matrix.classes[side]));
    plot.style.minWidth = Math.max(300, 150 + 19 * matrix.classes[1].length) + "px";

    function draw() {
      otoscope.charts.draw(plot, figure(matrix, matrix.orders[order.value]));
    }
    function open(row, column, remember) {
      chosen[0].value = String(row);
      chosen[1].value = String(column);
      tell(cell, matrix, row, column);
      if (remember) {
        const state = new URLSearchParams({ matrix: matrix.name, a: matrix.classes[0][row], b: matrix.classes[1][column] });
        history.replaceState(null, "", "#" + state);
      }
    }
    plot.addEventListener("otoscope:drawn", () => {
      plot.on("plotly_click", (event) => {
        const [row, column] = event.points[0].customdata;
        open(row, column, true);
      });
    });
    order.addEventListener("change", draw);
    for (const select of chosen) {
      select.addEventListener("change", () => open(Number(chosen[0].value), Number(chosen[1].value), true));
    }
    function read() {
      const state = new URLSearchParams(location.hash.slice(1));
      if (state.get("matrix") !== matrix.name) return;
      const at = [matrix.classes[0].indexOf(state.get("a")), matrix.classes[1].indexOf(state.get("b"))];
      if (at[0] >= 0 && at[1] >= 0) open(at[0], at[1], false);
      article.scrollIntoView();
    }
    window.addEventListener("hashchange", read);
    draw();
    read();
  }

  function fill(select, names) {
    names.forEach((name, place) => {
      const option = document.createElement("option");
      option.value = String(place);
      option.textContent = name;
      select.append(option);
    });
  }

  // The matrix in an order of its rows and columns. Places are numbers, so that no class is taken for a date.
  function figure(matrix, [rows, columns]) {
    const pick = (values) => rows.map((row) => columns.map((column) => values[row][column]));
    const cells = pick(rows.length ? matrix.shared.map((line, row) => line.map((_, column) => [row, column])) : []);
    const jaccard = pick(matrix.jaccard);
    const most = Math.max(0.25, ...matrix.jaccard.flat().filter((value) => value !== null && value < 1)); // little is pale
    const same = ([row, column]) => matrix.within && row === column;
    const texts = cells.map((line) => line.map((at) => String(matrix.shared[at[0]][at[1]]) + (starred(matrix, at) ? "*" : "")));
    const words = cells.map((line) => line.map((at) => hover(matrix, at)));
    const short = (name) => (name.length > 22 ? name.slice(0, 21).replace(/&[^;]*$/, "") + "…" : name);
    const axis = (order, side) => ({
      tickvals: order.map((_, place) => place),
      ticktext: order.map((place) => short(matrix.shown[side][place])),
      showgrid: false,
      zeroline: false,
    });
    const places = { x: columns.map((_, place) => place), y: rows.map((_, place) => place) };
    return {
      traces: [
        // A class with itself, in the ground's colour: of an empty cell plotly would not know which ink can be read.
        {
          type: "heatmap",
          ...places,
          z: cells.map((line) => line.map((at) => (same(at) ? 0 : null))),
          customdata: cells,
          text: texts,
          hovertext: words,
          hoverinfo: "text",
          texttemplate: columns.length <= 30 ? "%{text}" : undefined,
          colorscale: [[0, "var(--raised)"], [1, "var(--raised)"]],
          showscale: false,
          xgap: 1,
          ygap: 1,
        },
        {
          type: "heatmap",
          ...places,
          z: jaccard.map((line, i) => line.map((value, j) => (same(cells[i][j]) ? null : value ?? 0))),
          customdata: cells,
          text: texts,
          hovertext: words,
          hoverinfo: "text",
          texttemplate: columns.length <= 30 ? "%{text}" : undefined,
          hoverongaps: false,
          colorscale: [[0, "var(--heat-0)"], [0.5, "var(--heat-1)"], [1, "var(--heat-2)"]],
          zmin: 0,
          zmax: most,
          xgap: 1,
          ygap: 1,
          colorbar: { title: { text: "Jaccard index", side: "right" }, thickness: 12 },
        },
      ],
      layout: {
        xaxis: { ...axis(columns, 1), side: "top" },
        yaxis: { ...axis(rows, 0), autorange: "reversed" },
        margin: { l: 20, t: 40, r: 20, b: 20 },
      },
    };
  }

  function starred(matrix, [row, column]) {
    const q = matrix.q && matrix.q[row][column];
    return q !== null && q !== undefined && q <= 0.05;
  }

  function neurons(count) {
    return `${count} ${count === 1 ? "neuron" : "neurons"}`;
  }

  function hover(matrix, [row, column]) {
    const [one, other] = [matrix.shown[0][row], matrix.shown[1][column]];
    if (matrix.within && row === column) return `${one}: ${neurons(matrix.shared[row][column])} of its own`;
    return [`${one} and ${other}`, ...numbers(matrix, row, column)].join("<br>");
  }

  function numbers(matrix, row, column) {
    const lines = [`${neurons(matrix.shared[row][column])} shared`];
    const jaccard = matrix.jaccard[row][column];
    if (jaccard !== null) lines.push(`Jaccard index ${jaccard.toFixed(2)}`);
    if (matrix.expected && matrix.expected[row][column] !== null) {
      lines.push(`permuted labels give ${matrix.expected[row][column].toFixed(1)}`);
    }
    if (matrix.p && matrix.p[row][column] !== null) {
      lines.push(`p ${matrix.p[row][column].toPrecision(2)}, q ${matrix.q[row][column].toPrecision(2)}`);
    }
    return lines;
  }

  // What two classes share, in words, and the neurons as links to their pages.
  function tell(cell, matrix, row, column) {
    const [one, other] = [matrix.classes[0][row], matrix.classes[1][column]];
    const own = matrix.within && row === column;
    const heading = document.createElement("h3");
    heading.textContent = own ? `Neurons of ${one}` : `${one} and ${other}`;
    const facts = document.createElement("p");
    facts.textContent = own ? `${neurons(matrix.shared[row][column])}.` : numbers(matrix, row, column).join("; ") + ".";
    cell.replaceChildren(heading, facts);
    if (!matrix.neurons) return;
    const listed = matrix.neurons[row][column];
    const list = document.createElement("ul");
    list.className = "neurons";
    for (const [address, ...places] of listed.slice(0, MOST)) {
      const item = document.createElement("li");
      const known = places.filter(Boolean);
      if (!known.length) item.textContent = address;
      known.forEach((place, position) => {
        const link = document.createElement("a");
        link.href = place;
        link.textContent = position ? "in the other recording" : address;
        item.append(position ? " " : "", link);
      });
      list.append(item);
    }
    cell.append(list);
    const left = listed.length - MOST;
    const silent = listed.some((each) => !each.slice(1).some(Boolean));
    if (left > 0 || silent) {
      const note = document.createElement("p");
      note.className = "note";
      note.textContent = [
        left > 0 ? `${left} more are not listed here; the page Neurons has them all.` : "",
        silent ? "Neurons without a link have no page here; otoscope serve makes one of every neuron." : "",
      ].join(" ");
      cell.append(note);
    }
  }
})();
