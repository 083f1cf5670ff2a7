/**
 * The chart's contents: bars of the selected symbol and timeframe, older ones on demand, live events over them.
 *
 * Guarantee: after every minute, and after every break of the connection, what is not settled is read again by REST,
 * so a closed bar is what REST says and a break leaves no hole.
 */

import { BarBook } from "./bars.js";
import { windowStart } from "./timeframes.js";

const FIRST_BARS = 400;
const OLDER_BARS = 1_000;
/** Closed windows that every reading reads again, besides those not settled. */
const AGAIN = 2;
const WAIT_MS = 1_500;
const RETRY_MS = 3_000;

/** @typedef {import("./timeframes.js").Timeframe} Timeframe */
/** @typedef {import("./api.js").Bar} Bar */

export class Desk {
  #api;
  #chart;
  #listener;
  #book = new BarBook(60_000);
  #abort = new AbortController();
  #loading = false;
  #shown = false;
  #more = false;
  #readingOlder = false;
  #reading = false;
  #timer = 0;
  /** End of the newest second of any symbol, Unix ms. */
  #clock = 0;
  /** Windows from this one on may differ from REST, Unix ms. */
  #unsettled = Infinity;
  symbol = "";
  /** @type {Timeframe | null} */
  frame = null;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./chart.js").Chart} chart
   * @param {{state: (state: import("./stage.js").StageState, error?: Error) => void,
   *   bars: () => void, moved: (changed: Bar[]) => void,
   *   history: (complete: boolean) => void, failed: (error: Error) => void}} listener
   */
  constructor(api, chart, listener) {
    this.#api = api;
    this.#chart = chart;
    this.#listener = listener;
  }

  get bars() {
    return this.#shown ? this.#book.bars : [];
  }

  /**
   * Show another symbol or timeframe; what is under way for the last one is dropped.
   * @param {string} symbol
   * @param {Timeframe} frame
   */
  async select(symbol, frame) {
    this.#abort.abort();
    this.#abort = new AbortController();
    clearTimeout(this.#timer);
    Object.assign(this, { symbol, frame });
    this.#timer = 0;
    this.#shown = this.#more = this.#readingOlder = this.#reading = false;
    this.#unsettled = Infinity;
    this.#loading = true;
    this.#book = new BarBook(frame.ms, this.#clock);
    this.#listener.state("loading");
    const { signal } = this.#abort;
    const book = this.#book; // live events come into it meanwhile
    const holds = book.readingHolds;
    try {
      const page = await this.#api.newestBars(symbol, frame, { count: FIRST_BARS, signal });
      book.settle(page.bars, holds);
      this.#more = page.more;
      this.#loading = false;
      this.#shown = true;
      this.#chart.show(book.bars, true);
      this.#told();
      this.#listener.history(!this.#more);
    } catch (error) {
      if (signal.aborted) return;
      this.#loading = false;
      this.#listener.state("error", error);
    }
  }

  /** Read the page before the first bar, if there is one and it is not under way. */
  async older() {
    if (!this.#more || this.#readingOlder || !this.#shown) return;
    const { signal } = this.#abort;
    this.#readingOlder = true;
    try {
      const before = this.#book.bars[0].t;
      const page = await this.#api.newestBars(this.symbol, this.frame, { before, count: OLDER_BARS, signal });
      this.#more = page.more;
      this.#book.prepend(page.bars);
      this.#readingOlder = false;
      this.#chart.show(this.#book.bars, false);
      this.#listener.bars();
      this.#listener.history(!this.#more);
    } catch (error) {
      if (signal.aborted) return;
      this.#listener.failed(error);
      setTimeout(() => {
        if (!signal.aborted) this.#readingOlder = false;
      }, RETRY_MS);
    }
  }

  /** An `A` event of any symbol. */
  second(event) {
    this.#clock = Math.max(this.#clock, event.e);
    if (event.sym !== this.symbol) return;
    const before = this.#book.last?.t ?? Infinity;
    const bar = this.#book.second(event);
    if (bar === null) return;
    if (bar.t > before) this.#unsettled = Math.min(this.#unsettled, before);
    this.#changed([bar]);
  }

  /** An `AM` event of any symbol. */
  minute(event) {
    if (event.sym !== this.symbol) return;
    const bar = this.frame.name === "1m" ? this.#book.minute(event) : null;
    if (bar !== null) this.#changed([bar]);
    this.#unsettled = Math.min(this.#unsettled, windowStart(event.s, this.frame.ms));
    this.readAgain();
  }

  /** Read by REST, soon, what may differ from it. */
  readAgain(wait = WAIT_MS) {
    if (this.#timer === 0 && this.frame !== null)
      this.#timer = setTimeout(() => this.#readAgain(), wait * (0.5 + Math.random() / 2));
  }

  async #readAgain() {
    this.#timer = 0;
    const { symbol, frame } = this;
    const book = this.#book;
    if (this.#reading || this.#loading) return this.readAgain();
    if (!this.#shown || book.last === undefined) return this.select(symbol, frame);
    const { signal } = this.#abort;
    const first = Math.min(this.#unsettled, book.last.t);
    const from = Math.max(0, first - AGAIN * frame.ms); // the start of a window: the answer's are those on the chart
    const holds = book.readingHolds;
    this.#unsettled = Infinity;
    this.#reading = true;
    try {
      const changed = book.settle(await this.#api.barsSince(symbol, frame, from, signal), holds);
      this.#reading = false;
      this.#changed(changed);
    } catch (error) {
      if (signal.aborted) return;
      this.#reading = false;
      this.#unsettled = Math.min(this.#unsettled, first);
      this.#listener.failed(error);
      this.readAgain(RETRY_MS);
    }
  }

  /** @param {Bar[] | null} changed  null: all of them */
  #changed(changed) {
    if (!this.#shown) return;
    if (changed === null || this.#book.bars.length === changed.length) {
      this.#chart.show(this.#book.bars, false);
      this.#told();
    } else {
      this.#chart.update(changed, this.#book.bars);
      this.#listener.moved(changed);
    }
  }

  #told() {
    this.#listener.state(this.#book.bars.length > 0 ? "ready" : "empty");
    this.#listener.bars();
  }
}
