/**
 * Signals: a list beside the chart, markers on it. A withdrawn signal stays, struck out, until it is hidden.
 *
 * Signals of the selected symbol are read by REST, those of the whole market too; `S` events change both.
 */

import { byId, element, radioGroup, setText } from "./dom.js";
import { price, strategy } from "./format.js";
import { dayAndTime } from "./new_york.js";
import { WATCHED } from "./timeframes.js";

const MOST_OF_A_CHART = 4_000;
const MOST_OF_THE_MARKET = 200;
const MOST_ROWS = 200;
/** A page stays open for days: beyond this many, those known first are forgotten. */
const MOST_KEPT = 20_000;
const HIDDEN = "condvest.withdrawn";

/** @typedef {import("./api.js").Signal} Signal */

/** @param {any} event  an `S` event @returns {Signal} */
const ofEvent = ({ id, sym, strategy: name, tf, t, side, p, status, k }) => ({
  id,
  ticker: sym,
  strategy: name,
  timeframe: tf,
  t,
  side,
  price: p,
  status,
  known_at: k,
});

export class Signals {
  #api;
  #listener;
  #rows = byId("signals-rows");
  #withdrawn = byId("withdrawn");
  /** By id. @type {Map<string, Signal>} */
  #known = new Map();
  #scope = "chart";
  #symbol = "";
  #frame = "";
  /** @type {string} */
  #failure = "";
  #drawing = 0;
  #showScope;
  /** Signals on the chart, in order of time. @type {Signal[]} */
  charted = [];

  /**
   * @param {import("./api.js").Api} api
   * @param {{chosen: (signal: Signal) => void, changed: () => void}} listener
   */
  constructor(api, listener) {
    this.#api = api;
    this.#listener = listener;
    const choices = [
      { value: "chart", label: "Chart" },
      { value: "all", label: "Market" },
    ];
    this.#showScope = radioGroup(byId("signals-scope"), choices, (scope) => {
      this.#scope = scope;
      this.#showScope(scope);
      this.#draw();
    });
    this.#showScope(this.#scope);
    this.#withdrawn.checked = localStorage.getItem(HIDDEN) !== "hidden";
    this.#withdrawn.addEventListener("change", () => {
      localStorage.setItem(HIDDEN, this.#withdrawn.checked ? "shown" : "hidden");
      this.#draw();
    });
    this.#rows.addEventListener("click", ({ target }) => {
      const signal = this.#known.get(target.closest("[data-id]")?.dataset.id);
      if (signal !== undefined) listener.chosen(signal);
    });
  }

  /** @param {string} symbol @param {string} frame */
  async select(symbol, frame) {
    this.#symbol = symbol;
    this.#frame = frame;
    this.#draw();
    if (WATCHED.includes(frame)) await this.#read({ ticker: symbol, timeframe: frame }, MOST_OF_A_CHART);
  }

  /** Read again what may have been missed. */
  async readAgain() {
    await this.#read({}, MOST_OF_THE_MARKET);
    if (this.#symbol !== "") await this.select(this.#symbol, this.#frame);
  }

  /** An `S` event. */
  event(event) {
    this.#keep([ofEvent(event)]);
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  async #read(filters, most) {
    try {
      this.#keep(await this.#api.signals(filters, most));
      this.#failure = "";
    } catch (error) {
      this.#failure = error.message;
    }
    this.#draw();
  }

  /** The latest word on a signal is the one known last. @param {Signal[]} signals */
  #keep(signals) {
    for (const one of signals) if (!(this.#known.get(one.id)?.known_at > one.known_at)) this.#known.set(one.id, one);
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MOST_KEPT) break;
      this.#known.delete(id);
    }
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    const shown = [...this.#known.values()].filter((one) => this.#withdrawn.checked || one.status === "active");
    this.charted = shown
      .filter((one) => one.ticker === this.#symbol && one.timeframe === this.#frame)
      .sort((one, other) => one.t - other.t);
    const signals =
      this.#scope === "chart" ? this.charted.toReversed() : shown.sort((one, other) => other.known_at - one.known_at);
    this.#rows.replaceChildren(...signals.slice(0, MOST_ROWS).map((one) => this.#row(one)));
    const none = this.#scope === "chart" ? `No signals of ${this.#symbol} on ${this.#frame} bars` : "No signals yet";
    setText(byId("signals-note"), this.#failure || (signals.length === 0 && this.#symbol !== "" ? none : ""));
    this.#listener.changed();
  }

  /** @param {Signal} signal */
  #row({ id, ticker, strategy: name, timeframe, t, side, price: at, status }) {
    const gone = status === "withdrawn";
    const where =
      this.#scope === "chart"
        ? []
        : [element("strong", { text: ticker }), element("span", { class: "signal-frame", text: timeframe })];
    return element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: "signal",
          "data-id": id,
          "data-side": side,
          "data-status": status,
          title: gone ? "Withdrawn: the bar was revised" : "Show on the chart",
        },
        element("span", { class: "signal-side", text: side === "buy" ? "Buy" : "Sell" }),
        element("span", { class: "signal-strategy" }, ...where, element("span", { text: strategy(name) })),
        element("span", { class: "signal-price", text: price(at) }),
        element("time", { class: "signal-time", datetime: new Date(t).toISOString(), text: dayAndTime(t) }),
        element("span", { class: "signal-status", text: gone ? "withdrawn" : "" }),
      ),
    );
  }
}
