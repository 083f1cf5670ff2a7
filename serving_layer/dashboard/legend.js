/** The numbers of one bar over the chart: the one under the pointer, else the last. */

import { byId, element, setText } from "./dom.js";
import { change, direction, percent, exactPrice, volume } from "./format.js";
import { dayAndTime } from "./new_york.js";

const FIELDS = [
  ["O", "open"],
  ["H", "high"],
  ["L", "low"],
  ["C", "close"],
  ["V", "volume"],
];

export class Legend {
  #root = byId("legend");
  #time = element("dd", { class: "legend-time" });
  #change = element("dd", { class: "legend-change" });
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();

  constructor() {
    const add = (title, value) => this.#root.append(element("div", {}, title, value));
    add(element("dt", { class: "unseen", text: "time" }), this.#time);
    for (const [letter, name] of FIELDS) {
      const value = element("dd", { "data-field": letter.toLowerCase() });
      this.#values.set(letter, value);
      add(element("dt", { text: letter, title: name }), value);
    }
    add(element("dt", { class: "unseen", text: "change" }), this.#change);
  }

  /** @param {import("./api.js").Bar | undefined} bar */
  show(bar) {
    this.#root.hidden = bar === undefined;
    if (bar === undefined) return;
    this.#root.dataset.t = String(bar.t);
    this.#root.dataset.direction = direction(bar.c - bar.o);
    setText(this.#time, dayAndTime(bar.t));
    const texts = {
      O: exactPrice(bar.o),
      H: exactPrice(bar.h),
      L: exactPrice(bar.l),
      C: exactPrice(bar.c),
      V: volume(bar.v),
    };
    for (const [letter, text] of Object.entries(texts)) setText(this.#values.get(letter), text);
    setText(this.#change, `${change(bar.c - bar.o, bar.c)} (${percent(((bar.c - bar.o) / bar.o) * 100)})`);
  }
}
