/** The keyboard: one table of shortcuts, and the help that shows it. */

import { byId, element } from "./dom.js";
import { TIMEFRAMES } from "./timeframes.js";

/**
 * @typedef {object} Actions  what keys can do
 * @property {(rows: number) => void} move  through the watch list
 * @property {() => void} choose  the pointed symbol
 * @property {(bars: number) => void} scroll  the chart
 * @property {() => void} latest
 * @property {() => void} filter
 * @property {(frame: import("./timeframes.js").Timeframe) => void} frame
 * @property {() => void} table
 * @property {() => void} theme
 */

/** @typedef {{keys: string[], shown: string, does: string, run: (key: string) => void}} Shortcut */

/** @param {Actions} actions @param {() => void} help @returns {Shortcut[]} */
function shortcuts(actions, help) {
  const names = TIMEFRAMES.map(({ name }) => name).join(" ");
  return [
    {
      keys: ["ArrowUp", "ArrowDown"],
      shown: "Up, Down",
      does: "move through the watch list",
      run: (key) => actions.move(key === "ArrowDown" ? 1 : -1),
    },
    { keys: ["Enter"], shown: "Enter", does: "show the pointed symbol", run: actions.choose },
    {
      keys: ["ArrowLeft", "ArrowRight"],
      shown: "Left, Right",
      does: "scroll the chart",
      run: (key) => actions.scroll(key === "ArrowLeft" ? -20 : 20),
    },
    { keys: ["End"], shown: "End", does: "go to the newest bar", run: actions.latest },
    { keys: ["/"], shown: "/", does: "filter the watch list", run: actions.filter },
    {
      keys: TIMEFRAMES.map((_, index) => String(index + 1)),
      shown: `1 – ${TIMEFRAMES.length}`,
      does: `timeframe: ${names}`,
      run: (key) => actions.frame(TIMEFRAMES[Number(key) - 1]),
    },
    { keys: ["d"], shown: "d", does: "bars as a table", run: actions.table },
    { keys: ["t"], shown: "t", does: "theme: auto, dark, light", run: actions.theme },
    { keys: ["?"], shown: "?", does: "show this help", run: help },
  ];
}

/** Whether a key belongs to what has the focus: a text field, a table that scrolls, a button about to be pressed. */
function isTaken({ key, target }) {
  if (!(target instanceof Element)) return false;
  if (target.matches("input:not([type=checkbox])")) return true;
  if (key.startsWith("Arrow") && target.closest(".table") !== null) return true;
  return key === "Enter" && target.closest("button, a") !== null;
}

/** @param {Actions} actions */
export function listenToKeys(actions) {
  const help = byId("help");
  const all = shortcuts(actions, () => help.showModal());
  byId("shortcuts").replaceChildren(
    ...all.flatMap(({ shown, does }) => [
      element("dt", {}, element("kbd", { text: shown })),
      element("dd", { text: does }),
    ]),
  );
  byId("help-button").addEventListener("click", () => help.showModal());
  byId("help-close").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const shortcut = all.find(({ keys }) => keys.includes(event.key));
    if (shortcut === undefined) return;
    event.preventDefault();
    shortcut.run(event.key);
  });
}
