/** Beside the pointer: the signals of the bar under it. */

import { byId, element } from "./dom.js";
import { exactPrice, strategy } from "./format.js";

/**
 * @param {import("./api.js").Signal[]} signals  of one bar; none hides it
 * @param {number} x  of the pointer in the chart, CSS pixels
 */
export function showSignalTip(signals, x) {
  const tip = byId("tooltip");
  tip.hidden = signals.length === 0;
  if (tip.hidden) return;
  tip.replaceChildren(
    ...signals.map((one) =>
      element(
        "p",
        { "data-side": one.side, "data-status": one.status },
        element("strong", { class: "signal-side", text: one.side === "buy" ? "Buy" : "Sell" }),
        element("span", {
          text: `${strategy(one.strategy)} at ${exactPrice(one.price)}${one.status === "withdrawn" ? ", withdrawn" : ""}`,
        }),
      ),
    ),
  );
  const room = tip.parentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(8, Math.min(room, x + 14))}px`;
}
