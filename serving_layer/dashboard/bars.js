/**
 * The bars of one symbol and timeframe: what REST has answered, and over its last one the seconds that came since.
 *
 * REST is the truth. A second bar only keeps the forming bar moving until the next reading replaces it: highs and lows
 * are never counted twice, and the volume is at most the last seconds off.
 */

import { windowStart } from "./timeframes.js";

/** Bars of seconds leave this long after their second ends, so a reading of REST is that much ahead of them. */
const LAG_MS = 2_000;

/** @typedef {import("./api.js").Bar} Bar */
/** @typedef {{s: number, e: number, o: number, h: number, l: number, c: number, v: number}} Live  `A` or `AM` event */

export class BarBook {
  /** In order of time, each window once. @type {Bar[]} */
  bars = [];
  /** The forming bar as REST gave it. @type {Bar | null} */
  #base = null;
  /** Seconds of the forming bar that its base does not hold, by start. @type {Map<number, Live>} */
  #seconds = new Map();
  /** Seconds that start before this are in the base. */
  #counted = 0;
  #clock;

  /**
   * @param {number} width  of a window, ms
   * @param {number} [clock]  end of the newest second seen, Unix ms
   */
  constructor(width, clock = 0) {
    this.width = width;
    this.#clock = clock;
  }

  /** @returns {Bar | undefined} */
  get last() {
    return this.bars.at(-1);
  }

  /** Up to which second a reading of REST that is sent now will hold everything, Unix ms. */
  get readingHolds() {
    return this.#clock + LAG_MS;
  }

  /** Older bars, in any order. @param {Bar[]} older */
  prepend(older) {
    const first = this.bars[0]?.t ?? Infinity;
    const before = older.filter((bar) => bar.t < first).sort((one, other) => one.t - other.t);
    this.bars = before.concat(this.bars);
  }

  /**
   * Bars read by REST replace those shown.
   * @param {Bar[]} read  in order of time
   * @param {number} holds  what `readingHolds` was when the reading was sent
   * @returns {Bar[] | null}  the changed bars, or null where bars came before the last one
   */
  settle(read, holds) {
    const changed = [];
    let inOrder = true;
    for (const bar of read) {
      const forming = bar.t >= (this.last?.t ?? -Infinity);
      if (forming) {
        this.#begin(bar, holds);
        changed.push(this.#show());
      } else {
        const index = this.#find(bar.t);
        const known = this.bars[index]?.t === bar.t;
        this.bars.splice(index, known ? 1 : 0, bar);
        inOrder &&= known;
        changed.push(bar);
      }
    }
    return inOrder ? changed : null;
  }

  /** A second bar. @param {Live} second @returns {Bar | null}  the forming bar where it changed */
  second(second) {
    this.#clock = Math.max(this.#clock, second.e);
    const window = windowStart(second.s, this.width);
    if (this.last !== undefined && window < this.last.t) return null; // closed: the next reading has it
    if (this.last === undefined || window > this.last.t) this.#begin(null, window);
    if (second.s < this.#counted) return null;
    this.#seconds.set(second.s, second);
    return this.#show(window);
  }

  /** A minute bar on a chart of minutes is the bar itself. @param {Live} minute @returns {Bar | null} */
  minute(minute) {
    this.#clock = Math.max(this.#clock, minute.e);
    if (this.last !== undefined && minute.s < this.last.t) return null;
    const { s: t, o, h, l, c, v, vw } = minute;
    this.#begin({ t, o, h, l, c, v, vw }, minute.e);
    return this.#show();
  }

  /** @param {Bar | null} base @param {number} counted */
  #begin(base, counted) {
    this.#base = base;
    this.#counted = counted;
    for (const start of this.#seconds.keys()) if (start < counted) this.#seconds.delete(start);
  }

  /** The forming bar, put in its place. @param {number} [window] @returns {Bar} */
  #show(window = this.#base.t) {
    const seconds = [...this.#seconds.values()].filter((one) => windowStart(one.s, this.width) === window);
    const bar = merged(window, this.#base?.t === window ? this.#base : null, seconds);
    if (this.last?.t === window) this.bars[this.bars.length - 1] = bar;
    else this.bars.push(bar);
    return bar;
  }

  /** Index of the first bar that does not start before `t`. @param {number} t */
  #find(t) {
    let low = 0;
    let high = this.bars.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.bars[middle].t < t) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * A window's bar from what REST gave and the seconds since; without a count of trades, which seconds do not tell.
 * @param {number} t
 * @param {Bar | null} base
 * @param {Live[]} seconds
 * @returns {Bar}
 */
function merged(t, base, seconds) {
  if (seconds.length === 0) return base;
  seconds.sort((one, other) => one.s - other.s);
  const all = base === null ? seconds : [base, ...seconds];
  return {
    t,
    o: all[0].o,
    h: Math.max(...all.map((one) => one.h)),
    l: Math.min(...all.map((one) => one.l)),
    c: all.at(-1).c,
    v: all.reduce((sum, one) => sum + one.v, 0),
  };
}
