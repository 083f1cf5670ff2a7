/** The timeframes of the chart. Windows are counted from the Unix epoch, so every request cuts them alike. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The one that the page opens with: its bars move, and strategies watch it. */
export const FIRST = "5m";
/** Strategies watch bars of these. */
export const WATCHED = ["1m", "5m", "15m", "30m", "1h"];

/** @typedef {{name: string, multiplier: number, unit: "minute" | "hour", ms: number}} Timeframe */

/** @type {Timeframe[]} */
export const TIMEFRAMES = [
  { name: "1m", multiplier: 1, unit: "minute", ms: MINUTE },
  { name: "5m", multiplier: 5, unit: "minute", ms: 5 * MINUTE },
  { name: "15m", multiplier: 15, unit: "minute", ms: 15 * MINUTE },
  { name: "30m", multiplier: 30, unit: "minute", ms: 30 * MINUTE },
  { name: "1h", multiplier: 1, unit: "hour", ms: HOUR },
  { name: "4h", multiplier: 4, unit: "hour", ms: 4 * HOUR },
];

/** @param {string} name @returns {Timeframe | undefined} */
export const timeframe = (name) => TIMEFRAMES.find((one) => one.name === name);

/** The start of the window of `ms` that holds an instant (Unix ms). @param {number} t @param {number} ms */
export const windowStart = (t, ms) => t - (t % ms);
