/**
 * The watch list: every symbol of the snapshot with its last price, its change on the day and where it stands in the
 * day's range. Rows in view are subscribed to; the rest rests.
 */

import { byId, element, setText } from "./dom.js";
import { direction, percent, price } from "./format.js";

const MOST_ROWS = 400;
const ORDER = "condvest.order";

/**
 * @typedef {object} Quote
 * @property {string} symbol
 * @property {number | undefined} last  price
 * @property {number | undefined} before  the previous session's close
 * @property {number} high @property {number} low  of the day
 */

/** Change on the day in percent. @param {Quote} quote */
export const dayChange = ({ last, before }) => (before > 0 ? (last / before - 1) * 100 : undefined);

const ORDERS = {
  symbol: (one, other) => (one.symbol < other.symbol ? -1 : 1),
  price: (one, other) => (other.last ?? -1) - (one.last ?? -1),
  change: (one, other) => (dayChange(other) ?? -Infinity) - (dayChange(one) ?? -Infinity),
};

export class WatchList {
  /** @type {Map<string, Quote>} */
  quotes = new Map();
  #rows = byId("watch-rows");
  #filter = byId("filter");
  #note = byId("watch-note");
  #listener;
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();
  #visible = new Set();
  #selected = "";
  #active = "";
  #order = localStorage.getItem(ORDER) in ORDERS ? localStorage.getItem(ORDER) : "symbol";
  #watching = new IntersectionObserver((entries) => this.#seen(entries), { root: this.#rows, rootMargin: "80px" });

  /** @param {{chosen: (symbol: string) => void, visible: () => void}} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#filter.addEventListener("input", () => this.#draw());
    this.#filter.addEventListener("keydown", (event) => this.#filterKey(event));
    this.#rows.addEventListener("click", ({ target }) => {
      const row = target.closest("[data-symbol]");
      if (row !== null) this.#choose(row.dataset.symbol);
    });
    for (const button of byId("watch-columns").children) {
      button.addEventListener("click", () => {
        this.#order = button.dataset.order;
        localStorage.setItem(ORDER, this.#order);
        this.#draw();
      });
    }
  }

  /** Symbols whose rows are in view. */
  get visible() {
    return [...this.#visible];
  }

  /** The symbols in their order on the page. */
  get symbols() {
    return [...this.#shown.keys()];
  }

  /**
   * Take a snapshot; rows are built anew only where symbols came or went.
   * @param {any[]} entries  of Polygon's snapshot
   */
  snapshot(entries) {
    const known = this.quotes.size;
    for (const { ticker, lastTrade, day, prevDay, min } of entries) {
      const quote = this.quotes.get(ticker) ?? { symbol: ticker };
      quote.last = lastTrade?.p ?? min?.c ?? (day?.c || undefined) ?? quote.last;
      quote.before = prevDay?.c || undefined;
      quote.high = day?.h || quote.last;
      quote.low = day?.l || quote.last;
      this.quotes.set(ticker, quote);
    }
    if (this.quotes.size !== known || known === 0) this.#draw();
    else for (const [symbol, row] of this.#shown) this.#fill(row, this.quotes.get(symbol));
  }

  /** An `A` event: the price moves, and its row flashes. */
  second({ sym, c, h, l }) {
    const quote = this.quotes.get(sym);
    if (quote === undefined) return;
    const moved = direction(c - quote.last);
    quote.last = c;
    quote.high = Math.max(quote.high ?? h, h);
    quote.low = Math.min(quote.low ?? l, l);
    const row = this.#shown.get(sym);
    if (row === undefined) return;
    this.#fill(row, quote);
    if (moved !== "flat") flash(row, moved);
  }

  /** Mark the selected symbol. @param {string} symbol */
  select(symbol) {
    this.#selected = this.#active = symbol;
    for (const [one, row] of this.#shown) row.setAttribute("aria-selected", String(one === symbol));
    this.#point(symbol);
  }

  focusFilter() {
    this.#filter.focus();
    this.#filter.select();
  }

  /** Move the pointed row. @param {number} step  rows */
  move(step) {
    const all = this.symbols;
    if (all.length === 0) return;
    const at = all.indexOf(this.#active);
    this.#point(all[Math.min(all.length - 1, Math.max(0, at + step))]);
  }

  /** Select the pointed row. */
  chooseActive() {
    if (this.#shown.has(this.#active)) this.#choose(this.#active);
  }

  #choose(symbol) {
    this.#active = symbol;
    this.#listener.chosen(symbol);
  }

  #filterKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) this.move(step);
    else if (event.key === "Enter") {
      if (!this.#shown.has(this.#active)) this.move(1);
      this.chooseActive();
      this.#filter.blur();
    } else if (event.key === "Escape") {
      this.#filter.value = "";
      this.#draw();
      this.#filter.blur();
    } else return;
    event.preventDefault();
  }

  #draw() {
    const wanted = this.#filter.value.trim().toUpperCase();
    const found = [...this.quotes.values()]
      .filter(({ symbol }) => symbol.toUpperCase().includes(wanted))
      .sort(ORDERS[this.#order]);
    for (const button of byId("watch-columns").children)
      button.setAttribute("aria-pressed", String(button.dataset.order === this.#order));
    this.#watching.disconnect();
    this.#visible.clear();
    this.#shown = new Map(found.slice(0, MOST_ROWS).map((quote) => [quote.symbol, this.#row(quote)]));
    this.#rows.replaceChildren(...this.#shown.values());
    for (const row of this.#shown.values()) this.#watching.observe(row);
    setText(this.#note, note(found.length, this.quotes.size));
    this.#point(this.#active);
  }

  #row(quote) {
    const row = element(
      "li",
      {
        class: "row",
        role: "option",
        id: `row-${quote.symbol}`,
        "data-symbol": quote.symbol,
        "aria-selected": String(quote.symbol === this.#selected),
      },
      element("span", { class: "row-symbol", text: quote.symbol }),
      element("span", { class: "row-price" }),
      element("span", { class: "row-change" }),
      element("span", { class: "row-range", "aria-hidden": "true" }),
    );
    this.#fill(row, quote);
    return row;
  }

  /** @param {HTMLElement} row @param {Quote} quote */
  #fill(row, quote) {
    const [, last, moved, range] = row.children;
    const changed = dayChange(quote);
    setText(last, price(quote.last));
    setText(moved, percent(changed));
    moved.dataset.direction = direction(changed);
    const span = quote.high - quote.low;
    range.hidden = !(span > 0);
    if (span > 0) range.style.setProperty("--at", String((quote.last - quote.low) / span));
  }

  #point(symbol) {
    for (const [one, row] of this.#shown) row.classList.toggle("pointed", one === symbol);
    const row = this.#shown.get(symbol);
    this.#active = row === undefined ? this.#active : symbol;
    if (row === undefined) return this.#rows.removeAttribute("aria-activedescendant");
    this.#rows.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#visible.add(target.dataset.symbol);
      else this.#visible.delete(target.dataset.symbol);
    }
    this.#listener.visible();
  }
}

/** @param {number} found @param {number} all */
function note(found, all) {
  if (all === 0) return "No symbols yet";
  if (found === 0) return "No symbol matches";
  return found > MOST_ROWS ? `${MOST_ROWS} of ${found} shown` : "";
}

/** Colour a row for a moment. @param {HTMLElement} row @param {"up" | "down"} moved */
function flash(row, moved) {
  row.dataset.flash = moved;
  row.getAnimations({ subtree: true }).forEach((animation) => {
    animation.cancel();
    animation.play();
  });
}
