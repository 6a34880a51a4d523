"use strict";
/* Players of clips: sound, its picture, where the neuron fires, and a cursor that runs over both.
   It may run again: players that were added since are then set up too. */
(function () {
  const STEP_S = 0.1;
  const LEAP_S = 1;
  const LAST_S = 0.1; // a jump into the last frame of an MP3 leaves Chromium waiting for ever
  const FILL = [0, 229, 255]; // cyan: no colour of the picture's own
  const RIM = "rgb(0, 229, 255)";
  const SHADE = "rgb(0, 16, 32)"; // around the rim, where the picture is bright

  /** Share of the clip that has passed, in [0, 1]. */
  function shareOf(time, seconds) {
    return seconds > 0 ? Math.min(Math.max(time / seconds, 0), 1) : 0;
  }

  /** Time at a place from the left of a picture of so many pixels. */
  function timeAt(x, width, seconds) {
    return width > 0 ? shareOf(x, width) * seconds : 0;
  }

  /** Where a key leads from a time; null for a key that leads nowhere. */
  function keyTime(key, time, seconds) {
    const steps = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S, PageDown: -LEAP_S, PageUp: LEAP_S };
    if (key === "Home") return 0;
    if (key === "End") return seconds;
    return Object.hasOwn(steps, key) ? Math.min(Math.max(time + steps[key], 0), seconds) : null;
  }

  /** How much a token of a value in [0, 1] covers the picture. */
  function opacity(value) {
    return 0.08 + 0.5 * Math.min(Math.max(value, 0), 1);
  }

  /** The pixels of a cell [left, right, top, bottom, value], all shares: [x, y, width, height]. */
  function pixels(cell, width, height) {
    const left = Math.round(cell[0] * width), top = Math.round(cell[2] * height);
    return [left, top, Math.max(Math.round(cell[1] * width) - left, 1), Math.max(Math.round(cell[3] * height) - top, 1)];
  }

  /** What of a box lies so far from the picture's edge that a rim has room there. */
  function inside([x, y, w, h], rim, width, height) {
    const left = Math.max(x, rim), top = Math.max(y, rim);
    return [left, top, Math.max(Math.min(x + w, width - rim) - left, 0), Math.max(Math.min(y + h, height - rim) - top, 0)];
  }

  /** Draw cells: each filled by its value, all together in one outline that is seen on bright and on dark. */
  function drawCells(canvas, cells, scale) {
    const width = canvas.width, height = canvas.height, pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const rim = Math.round(1.4 * scale);
    const boxes = cells.map((cell) => pixels(cell, width, height));
    for (const [reach, colour] of [[rim + Math.round(1.2 * scale), SHADE], [rim, RIM]]) {
      pen.fillStyle = colour;
      for (const [x, y, w, h] of boxes) pen.fillRect(x - reach, y - reach, w + 2 * reach, h + 2 * reach);
    }
    const cores = boxes.map((box) => inside(box, rim, width, height));
    for (const core of cores) pen.clearRect(...core);
    // Tokens may overlap: where they do, the greatest activation is seen.
    const order = cells.map((_, place) => place).sort((one, other) => cells[one][4] - cells[other][4]);
    for (const place of order) {
      pen.clearRect(...cores[place]);
      pen.fillStyle = `rgba(${FILL.join(", ")}, ${opacity(cells[place][4])})`;
      pen.fillRect(...cores[place]);
    }
  }

  function setUp(player) {
    const audio = player.querySelector("audio");
    const surface = player.querySelector(".surface");
    const canvas = player.querySelector("canvas");
    const cursor = player.querySelector(".cursor");
    const overlay = player.querySelector("input.overlay");
    const button = player.querySelector("button.excerpt");
    const trouble = player.querySelector(".trouble");
    const seconds = Number(player.dataset.seconds);
    const packed = JSON.parse(player.querySelector("script[type='application/json']").textContent);
    const cells = packed.cells.map(([x, y, percent]) => [...packed.x[x], ...packed.y[y], percent / 100]);
    let until = null; // where the excerpt ends, while it plays

    function redraw() {
      if (!canvas || !canvas.clientWidth) return;
      const scale = window.devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * scale);
      canvas.height = Math.round(canvas.clientHeight * scale);
      drawCells(canvas, !overlay || overlay.checked ? cells : [], scale);
    }
    if (canvas) new ResizeObserver(redraw).observe(canvas);
    if (overlay) overlay.addEventListener("change", redraw);
    if (!audio) return;

    function show() {
      if (!surface) return;
      cursor.hidden = false;
      cursor.style.left = 100 * shareOf(audio.currentTime, seconds) + "%";
    }
    function tell() {
      show();
      if (!surface) return;
      surface.setAttribute("aria-valuenow", Math.min(audio.currentTime, seconds).toFixed(2));
      surface.setAttribute("aria-valuetext", `${audio.currentTime.toFixed(2)} of ${seconds.toFixed(2)} seconds`);
    }
    function run() {
      if (until !== null && audio.currentTime >= until) { audio.pause(); }
      show();
      if (!audio.paused) requestAnimationFrame(run);
    }
    function seek(time) {
      until = null;
      audio.currentTime = Math.max(Math.min(time, seconds - LAST_S), 0); // before anything is loaded, this is where it will begin
      tell();
    }
    function play() {
      audio.play().catch(() => {}); // the error event says why
    }
    audio.addEventListener("play", () => requestAnimationFrame(run));
    audio.addEventListener("pause", () => { until = null; });
    for (const event of ["timeupdate", "seeked", "ended"]) audio.addEventListener(event, tell);
    audio.addEventListener("error", () => {
      trouble.hidden = false;
      trouble.textContent = "The sound could not be loaded.";
    });
    if (button) button.addEventListener("click", () => {
      const [start, stop] = player.dataset.excerpt.split(" ").map(Number);
      audio.pause();
      seek(start);
      // A pause is told of later, and would end the excerpt.
      setTimeout(() => { until = stop; play(); });
    });
    if (!surface) return;
    surface.addEventListener("click", (event) => {
      const box = surface.getBoundingClientRect();
      seek(timeAt(event.clientX - box.left, box.width, seconds));
    });
    surface.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const time = keyTime(event.key, audio.currentTime, seconds);
      if (time !== null) seek(time);
      else if (event.key === " ") audio.paused ? play() : audio.pause();
      else return;
      event.preventDefault();
    });
  }

  function setUpAll() {
    for (const player of document.querySelectorAll(".player:not([data-ready])")) {
      player.dataset.ready = "";
      setUp(player);
    }
  }

  window.otoscope = window.otoscope || { data: {} };
  if (!window.otoscope.players) {
    // Only one sounds at a time.
    document.addEventListener("play", (event) => {
      for (const audio of document.querySelectorAll(".player audio")) if (audio !== event.target) audio.pause();
    }, true);
    window.otoscope.players = { setUpAll, shareOf, timeAt, keyTime, opacity, pixels, inside };
  }
  setUpAll();
})();
