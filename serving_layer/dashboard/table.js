/** The bars in view as a table: for those who cannot see a canvas, and for exact numbers. */

import { byId, element } from "./dom.js";
import { count, percent, price, volume } from "./format.js";
import { dayAndTime } from "./new_york.js";

const MOST = 300;
const HEADS = ["Start", "Open", "High", "Low", "Close", "Change", "Volume", "Trades"];

export class BarTable {
  #root = byId("table");
  #button = byId("table-button");

  /** @param {() => void} opened */
  constructor(opened) {
    this.#button.addEventListener("click", () => this.toggle());
    this.toggle = () => {
      this.#root.hidden = !this.#root.hidden;
      this.#button.setAttribute("aria-pressed", String(this.open));
      if (this.open) opened();
    };
  }

  get open() {
    return !this.#root.hidden;
  }

  /** Newest first. @param {import("./api.js").Bar[]} bars  in order of time */
  show(bars) {
    const rows = bars.slice(-MOST).reverse().map((bar) => element(
      "tr", { "data-t": String(bar.t) },
      element("th", { scope: "row", text: dayAndTime(bar.t) }),
      ...[price(bar.o), price(bar.h), price(bar.l), price(bar.c), percent((bar.c / bar.o - 1) * 100), volume(bar.v), count(bar.n)]
        .map((text) => element("td", { text })),
    ));
    const head = element("thead", {}, element("tr", {}, ...HEADS.map((text) => element("th", { scope: "col", text }))));
    this.#root.replaceChildren(element("table", {}, head, element("tbody", {}, ...rows)));
  }
}
