/** The keyboard: one table of shortcuts, and the help that shows it. */

import { byId, element } from "./dom.js";

/** @typedef {{keys: string[], shown: string, does: string, run: (key: string) => void}} Shortcut */

/** @param {Shortcut[]} shortcuts */
export function listenToKeys(shortcuts) {
  const help = byId("help");
  const all = [...shortcuts, { keys: ["?"], shown: "?", does: "show this help", run: () => help.showModal() }];
  byId("shortcuts").replaceChildren(
    ...all.flatMap(({ shown, does }) => [element("dt", {}, element("kbd", { text: shown })), element("dd", { text: does })]),
  );
  byId("help-button").addEventListener("click", () => help.showModal());
  byId("help-close").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
    if (event.key.startsWith("Arrow") && event.target instanceof Element && event.target.closest(".table") !== null) return; // it scrolls
    if (event.target instanceof HTMLInputElement && event.target.type !== "checkbox") return;
    const shortcut = all.find(({ keys }) => keys.includes(event.key));
    if (shortcut === undefined) return;
    if (event.key === "Enter" && event.target instanceof HTMLElement && event.target.closest("button, a") !== null) return;
    event.preventDefault();
    shortcut.run(event.key);
  });
}
