/** What the main area shows besides the chart: loading, nothing to show, an error with a way out. */

import { byId, element, setText } from "./dom.js";

const SKELETON_BARS = 48;

/** @typedef {"loading" | "ready" | "empty" | "error"} StageState */

export class Stage {
  /** @param {() => void} retry */
  constructor(retry) {
    byId("message-retry").addEventListener("click", retry);
    byId("skeleton").replaceChildren(...Array.from({ length: SKELETON_BARS }, (_, index) => skeletonBar(index)));
  }

  /** @param {StageState} state @param {string} [title] @param {string} [text] */
  show(state, title = "", text = "") {
    const stage = byId("stage");
    stage.dataset.state = state;
    stage.setAttribute("aria-busy", String(state === "loading"));
    byId("message").hidden = state !== "empty" && state !== "error";
    byId("message-retry").hidden = state !== "error";
    setText(byId("message-title"), title);
    setText(byId("message-text"), text);
  }

  /** The state of a symbol's bars, in words. @param {StageState} state @param {string} symbol @param {Error} [error] */
  showBars(state, symbol, error) {
    if (state === "empty") {
      this.show(
        state,
        `No bars of ${symbol}`,
        "Nothing has traded in what is kept. The first trade makes the first bar.",
      );
    } else if (state === "error") this.show(state, `The bars of ${symbol} could not be read`, error?.message);
    else this.show(state);
  }
}

/** @param {number} index */
function skeletonBar(index) {
  const bar = element("i");
  bar.style.setProperty("--height", `${20 + 30 * (1 + Math.sin(index / 5) * Math.cos(index / 3))}%`);
  return bar;
}
