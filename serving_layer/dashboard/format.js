/** Numbers as people read them. Prices are US dollars, volumes shares; a missing number is a dash. */

const DASH = "–";
const MINUS = "−";
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-US");
/** By least and most digits. @type {Map<number, Intl.NumberFormat>} */
const byDigits = new Map();

/**
 * Digits after the point that a price of this magnitude is shown with.
 * @param {number} price
 */
export function priceDigits(price) {
  const size = Math.abs(price);
  if (size === 0 || size >= 1) return 2;
  return size >= 0.01 ? 4 : 6;
}

/**
 * A price in the digits of its magnitude, so that columns and axes keep still.
 * @param {number | null | undefined} price
 */
export const price = (price) => inDigits(price, priceDigits);

/**
 * A price with every digit that a trade may have below a cent.
 * @param {number | null | undefined} price
 */
export const exactPrice = (price) => inDigits(price, () => 4);

/** @param {number | null | undefined} price @param {(price: number) => number} most  digits after the point */
function inDigits(price, most) {
  if (!Number.isFinite(price)) return DASH;
  const least = priceDigits(price);
  const digits = Math.max(least, most(price));
  const key = 10 * least + digits;
  let format = byDigits.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: digits });
    byDigits.set(key, format);
  }
  return format.format(price);
}

/** @param {number | null | undefined} shares */
export const volume = (shares) => (Number.isFinite(shares) ? compact.format(shares) : DASH);

/** @param {number | null | undefined} count */
export const count = (count) => (Number.isFinite(count) ? whole.format(count) : DASH);

/** A percentage with its sign: 1.234 -> "+1.23%". @param {number | null | undefined} percent */
export function percent(percent) {
  if (!Number.isFinite(percent)) return DASH;
  const text = Math.abs(percent).toFixed(2);
  const sign = text === "0.00" ? "" : percent > 0 ? "+" : MINUS;
  return `${sign}${text}%`;
}

/** A price difference with its sign, in the digits of `of`. @param {number} change @param {number} of */
export function change(change, of) {
  if (!Number.isFinite(change)) return DASH;
  const text = Math.abs(change).toFixed(priceDigits(of));
  return `${Number(text) === 0 ? "" : change > 0 ? "+" : MINUS}${text}`;
}

/** How long ago: 95000 ms -> "1 min 35 s". @param {number} ms */
export function age(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** The sign of a number as a word for styles. @param {number | null | undefined} number */
export const direction = (number) => (!Number.isFinite(number) || number === 0 ? "flat" : number > 0 ? "up" : "down");

/** A strategy's name for people: "ema_channel" -> "EMA channel". @param {string} name */
export function strategy(name) {
  const words = name
    .replace(/[_-]+/g, " ")
    .trim()
    .replace(/\b(ema|rsi|macd|sma|vwap|atr)\b/gi, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}
