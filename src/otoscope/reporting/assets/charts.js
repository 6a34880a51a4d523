"use strict";
/* Draws every chart of the page in the page's colours, and again when the theme changes.

   Figures are plotly's, as plain data; "var(--NAME)" stands for a colour of the style sheet. Labels come
   escaped from Python (otoscope.reporting.charts): plotly takes some markup in text for markup. */
(() => {
  const CONFIG = { displayModeBar: false, displaylogo: false, responsive: true, scrollZoom: false, plotlyServerURL: "" };
  const PAPER = 660; // CSS pixels that fit on a sheet
  let paper = false;
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);

  /** The colour that the style sheet gives "var(--NAME)" now. */
  function colour(text) {
    probe.style.color = text;
    return getComputedStyle(probe).color;
  }

  function coloured(value) {
    if (typeof value === "string") return /^var\(--[\w-]+\)$/.test(value) ? colour(value) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, coloured(each)]));
    }
    return value;
  }

  const AXIS = {
    automargin: true, fixedrange: true, gridcolor: "var(--line)", linecolor: "var(--line)",
    zerolinecolor: "var(--line)", tickcolor: "var(--line)",
  };

  /** What the page says of all charts; a figure's own layout comes before it. */
  function template() {
    const scale = { colorbar: { outlinewidth: 0, thickness: 14 } };
    const layout = {
      autotypenumbers: "strict",
      colorway: [1, 2, 3, 4, 5, 6].map((number) => `var(--series-${number})`),
      dragmode: false,
      font: { family: getComputedStyle(document.body).fontFamily, color: "var(--ink)" },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 8, r: 8, t: 12, b: 8 },
      hoverlabel: { bgcolor: "var(--raised)", bordercolor: "var(--line)", align: "left", font: { color: "var(--ink)" } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      xaxis: AXIS,
      yaxis: AXIS,
    };
    layout.font.size = window.innerWidth < 600 ? 11 : 13;
    return { layout, data: { heatmap: [scale], scatter: [{ marker: scale }] } };
  }

  /** Draw a figure, {traces, layout}, into an element: the first time, or in place of another. */
  async function draw(element, figure) {
    element.figure = figure;
    const first = !element.classList.contains("js-plotly-plot");
    if (first) element.replaceChildren();
    const width = paper ? { width: Math.min(element.clientWidth, PAPER) } : {};
    const layout = coloured({ autosize: !paper, ...figure.layout, ...width, template: template() });
    await window.Plotly.react(element, coloured(figure.traces), layout, CONFIG);
    if (first) element.dispatchEvent(new Event("otoscope:drawn", { bubbles: true }));
  }

  function all() {
    return document.querySelectorAll("[data-chart]");
  }

  function save(button) {
    const element = [...all()].find((each) => each.dataset.chart === button.dataset.save);
    button.hidden = false;
    button.addEventListener("click", () => {
      const { width, height } = element.getBoundingClientRect();
      window.Plotly.downloadImage(element, { format: "svg", filename: "otoscope-chart", width, height });
    });
  }

  // Only what comes near the screen: a page may hold many.
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        seen.unobserve(entry.target);
        const figure = window.otoscope.data[entry.target.dataset.chart];
        if (figure) draw(entry.target, figure);
      }
    },
    { rootMargin: "400px" },
  );

  window.Plotly.setPlotConfig({ logging: 0 }); // a class named "$x$" is no formula without its font
  window.otoscope.charts = { draw, colour };
  function again() {
    for (const element of document.querySelectorAll(".js-plotly-plot")) if (element.figure) draw(element, element.figure);
  }

  document.addEventListener("otoscope:theme", again);
  for (const [event, before] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(event, () => {
      paper = before;
      again();
    });
  }
  for (const element of all()) seen.observe(element);
  for (const button of document.querySelectorAll("[data-save]")) save(button);
})();
