/** The selected symbol with its price and its day, over the chart and in the title of the tab. */

import { byId, setText } from "./dom.js";
import { direction, percent, price } from "./format.js";
import { dayChange } from "./watchlist.js";

/**
 * @param {string} symbol
 * @param {import("./watchlist.js").Quote | undefined} quote
 * @param {import("./api.js").Bar | undefined} bar  the last one, for a symbol without a quote
 */
export function showTitle(symbol, quote, bar) {
  const last = price(quote?.last ?? bar?.c);
  const moved = quote === undefined ? undefined : dayChange(quote);
  const change = byId("title-change");
  setText(byId("title-symbol"), symbol);
  setText(byId("title-price"), last);
  setText(change, percent(moved));
  change.dataset.direction = direction(moved);
  document.title = `${symbol} ${last} · Condvest`;
}
