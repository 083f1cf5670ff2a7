/** The bars in view as a table: for those who cannot see a canvas, and for exact numbers. */

import { byId, element } from "./dom.js";
import { count, percent, exactPrice, volume } from "./format.js";
import { dayAndTime } from "./new_york.js";

const MOST = 300;
const HEADS = ["Start", "Open", "High", "Low", "Close", "Change", "Volume", "Trades"];

export class BarTable {
  #root = byId("table");
  #button = byId("table-button");
  #body = element("tbody");

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
    const head = element("thead", {}, element("tr", {}, ...HEADS.map((text) => element("th", { scope: "col", text }))));
    this.#body.replaceChildren(...bars.slice(-MOST).reverse().map(row));
    this.#root.replaceChildren(element("table", {}, head, this.#body));
  }

  /**
   * Rows of changed bars alone are made anew: what is being read stays in its place.
   * @param {import("./api.js").Bar[]} changed
   */
  update(changed) {
    for (const bar of changed) {
      const old = this.#body.querySelector(`[data-t="${bar.t}"]`);
      if (old !== null) old.replaceWith(row(bar));
      else if (bar.t > Number(this.#body.firstElementChild?.dataset.t ?? 0)) this.#body.prepend(row(bar));
    }
  }
}

/** @param {import("./api.js").Bar} bar */
const row = (bar) =>
  element(
    "tr",
    { "data-t": String(bar.t) },
    element("th", { scope: "row", text: dayAndTime(bar.t) }),
    ...[
      exactPrice(bar.o),
      exactPrice(bar.h),
      exactPrice(bar.l),
      exactPrice(bar.c),
      percent((bar.c / bar.o - 1) * 100),
      volume(bar.v),
      count(bar.n),
    ].map((text) => element("td", { text })),
  );
