"use strict";
/* A table of any length that stays quick: only the rows in view are in the page, and sorting works on numbers. */
(() => {
  const ROW = 36; // CSS pixels, as in style.css
  const BEYOND = 12; // rows kept above and below those in view

  /** A shorthand: an element with its class and text. */
  function make(tag, name, text) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  /** Which of two numbers comes first; what is missing comes last, whichever way one sorts. */
  function before(values, sign) {
    return (a, b) => {
      const one = values[a];
      const other = values[b];
      if (one === other) return a - b;
      if (Number.isNaN(one)) return Number.isNaN(other) ? a - b : 1;
      if (Number.isNaN(other)) return -1;
      return sign * (one - other);
    };
  }

  /**
   * @param place the element that scrolls.
   * @param columns each {key, title, hint, width (rem), numeric, first (direction of the first click),
   *     values() -> Float64Array by row number, fill(cell, row)}.
   * @param sorted called with {key, direction} when a reader sorts.
   */
  class Table {
    constructor(place, columns, sorted) {
      this.place = place;
      this.sorted = sorted;
      this.order = new Uint32Array(0);
      this.drawn = new Map();
      this.table = make("table");
      const head = this.table.createTHead();
      this.above = make("tr", "gap");
      this.below = make("tr", "gap");
      for (const gap of [this.above, this.below]) {
        gap.append(make("td"));
        gap.setAttribute("aria-hidden", "true");
      }
      this.body = this.table.createTBody();
      this.body.append(this.above, this.below);
      this.head = head.insertRow();
      this.head.setAttribute("aria-rowindex", "1");
      this.columns(columns);
      place.replaceChildren(this.table);
      let waiting = false;
      const later = () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          this.draw();
        });
      };
      place.addEventListener("scroll", later, { passive: true });
      new ResizeObserver(later).observe(place);
    }

    /** Set the columns; rows are drawn anew by `show`. */
    columns(columns) {
      this.shown = columns;
      this.head.replaceChildren(...columns.map((column) => this.heading(column)));
      const width = columns.reduce((sum, column) => sum + column.width, 0);
      this.table.style.minWidth = `${width}rem`;
      for (const gap of [this.above, this.below]) gap.firstChild.colSpan = columns.length;
    }

    heading(column) {
      const cell = make("th", column.numeric ? "number" : "");
      cell.scope = "col";
      cell.dataset.key = column.key;
      cell.style.width = `${column.width}rem`;
      const button = make("button", "", column.title);
      button.type = "button";
      button.title = column.hint;
      button.addEventListener("click", () => this.sorted(this.next(column)));
      cell.append(button);
      return cell;
    }

    /** What a click on a heading asks for: its first direction, or the other if it is sorted so. */
    next(column) {
      const other = { ascending: "descending", descending: "ascending" };
      const same = this.sort && this.sort.key === column.key && this.sort.direction === column.first;
      return { key: column.key, direction: same ? other[column.first] : column.first };
    }

    /** Show these rows, a Uint32Array of row numbers, sorted by {key, direction}. */
    show(rows, sort) {
      const column = this.shown.find((each) => each.key === sort.key) || this.shown[0];
      this.sort = { key: column.key, direction: sort.direction };
      this.order = rows.slice().sort(before(column.values(), sort.direction === "descending" ? -1 : 1));
      for (const cell of this.head.cells) {
        if (cell.dataset.key === column.key) cell.setAttribute("aria-sort", sort.direction);
        else cell.removeAttribute("aria-sort");
      }
      this.table.setAttribute("aria-rowcount", String(rows.length + 1));
      for (const row of this.drawn.values()) row.remove();
      this.drawn.clear();
      this.place.scrollTop = 0;
      this.draw();
    }

    /** Put the rows in view into the page, and take the others out. */
    draw() {
      const first = Math.max(Math.floor(this.place.scrollTop / ROW) - BEYOND, 0);
      const inView = Math.ceil(this.place.clientHeight / ROW) + 2 * BEYOND;
      const last = Math.min(first + inView, this.order.length);
      for (const [number, row] of this.drawn) {
        if (number >= first && number < last) continue;
        // Focus would be lost with its row, and with it the arrow keys.
        if (row.contains(document.activeElement)) this.place.focus({ preventScroll: true });
        row.remove();
        this.drawn.delete(number);
      }
      let next = this.below;
      for (let number = last - 1; number >= first; number--) {
        let row = this.drawn.get(number);
        if (!row) {
          row = this.row(number);
          this.drawn.set(number, row);
          next.before(row);
        }
        next = row;
      }
      this.above.firstChild.style.height = `${first * ROW}px`;
      this.below.firstChild.style.height = `${Math.max(this.order.length - last, 0) * ROW}px`;
      this.above.hidden = first === 0;
      this.below.hidden = last >= this.order.length;
    }

    row(number) {
      const row = make("tr");
      row.setAttribute("aria-rowindex", String(number + 2));
      this.shown.forEach((column, place) => {
        const cell = make(place ? "td" : "th", column.numeric ? "number" : "");
        if (!place) cell.scope = "row";
        column.fill(cell, this.order[number]);
        row.append(cell);
      });
      return row;
    }
  }

  window.otoscope.Table = Table;
  window.otoscope.make = make;
})();
