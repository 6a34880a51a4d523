"use strict";
/* Loads in the head, before anything is drawn: the theme, and the place where data scripts put data. */
window.otoscope = { data: {} };

(() => {
  const THEMES = ["auto", "light", "dark"];
  const KEY = "otoscope-theme";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  // Browsers may refuse storage to pages from a disk: the choice then holds for the page alone.
  function kept() {
    try {
      const theme = window.localStorage.getItem(KEY);
      return THEMES.includes(theme) ? theme : "auto";
    } catch {
      return "auto";
    }
  }

  function keep(theme) {
    try {
      window.localStorage.setItem(KEY, theme);
    } catch {
      // see `kept`
    }
  }

  function apply(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    document.dispatchEvent(new Event("otoscope:theme"));
  }

  /** Whether the page is dark now, by the reader's choice or the system's. */
  window.otoscope.dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  let chosen = kept();
  apply(chosen);
  system.addEventListener("change", () => apply(chosen));
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) apply((chosen = kept()));
  });

  // Paper is light, also for what scripts have drawn.
  window.addEventListener("beforeprint", () => apply("light"));
  window.addEventListener("afterprint", () => apply(chosen));

  document.addEventListener("DOMContentLoaded", () => {
    // On a phone the navigation is one line that scrolls: the page itself comes into view.
    const current = document.querySelector("nav [aria-current]");
    if (current) current.parentElement.scrollLeft = current.offsetLeft - 24;
    const button = document.querySelector("button.theme");
    if (!button) return;
    const name = () => (button.textContent = `Theme: ${chosen}`);
    document.addEventListener("otoscope:theme", name);
    button.addEventListener("click", () => {
      chosen = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length];
      keep(chosen);
      apply(chosen);
    });
    name();
    button.hidden = false;
  });
})();
