/** What the main area shows besides the chart: loading, nothing to show, an error with a way out. */

import { byId, setText } from "./dom.js";

/** @typedef {"loading" | "ready" | "empty" | "error"} StageState */

/** @param {() => void} retry */
export function stage(retry) {
  byId("message-retry").addEventListener("click", retry);
  return {
    /** @param {StageState} state @param {string} [title] @param {string} [text] */
    show(state, title = "", text = "") {
      byId("stage").dataset.state = state;
      byId("stage").setAttribute("aria-busy", String(state === "loading"));
      byId("message").hidden = state !== "empty" && state !== "error";
      byId("message-retry").hidden = state !== "error";
      setText(byId("message-title"), title);
      setText(byId("message-text"), text);
    },
  };
}
