/** Dark, light, or as the system says; remembered in this browser. */

import { byId } from "./dom.js";

const ORDER = ["auto", "dark", "light"];
const LABELS = { auto: "Auto", dark: "Dark", light: "Light" };
const STORED = "condvest.theme";

/**
 * Apply the remembered theme and let the button go round; `changed` is called whenever colours may be other ones.
 * @param {() => void} changed
 * @returns {() => void}  goes to the next theme
 */
export function followTheme(changed) {
  const root = document.documentElement;
  const button = byId("theme-button");
  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = LABELS[theme];
    button.setAttribute("aria-label", `Theme: ${LABELS[theme]}`);
    changed();
  };
  let theme = localStorage.getItem(STORED) ?? "auto";
  if (!ORDER.includes(theme)) theme = "auto";
  const next = () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    localStorage.setItem(STORED, theme);
    show(theme);
  };
  button.addEventListener("click", next);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show(theme);
  return next;
}

/**
 * What a colour of the style sheet is now, as a canvas can use it.
 * @param {string} name  of a custom property
 */
export function colour(name) {
  const probe = document.documentElement.appendChild(document.createElement("i"));
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
