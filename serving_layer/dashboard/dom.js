/** Building the page: every text goes through textContent, so data can never become markup. */

/**
 * The element with this id; the page's own markup holds it.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element ${id}`);
  return found;
}

/**
 * A new element.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]  `text` is its text, every other name an attribute
 * @param {...Node} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/**
 * Set a text only where it differs: what has not changed is neither laid out nor read out again.
 * @param {Element} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * A group of buttons of which one is chosen, moved through by arrow keys.
 * @param {HTMLElement} group  an element of role radiogroup
 * @param {{value: string, label: string, title?: string}[]} choices
 * @param {(value: string) => void} chosen
 * @returns {(value: string) => void}  shows a choice without reporting it
 */
export function radioGroup(group, choices, chosen) {
  const buttons = choices.map(({ value, label, title = label }) =>
    element("button", { type: "button", role: "radio", "data-value": value, text: label, title }),
  );
  const show = (value) =>
    buttons.forEach((button) => {
      const on = button.dataset.value === value;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    });
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => chosen(button.dataset.value));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const next = buttons[(index + step + buttons.length) % buttons.length];
      next.focus();
      chosen(next.dataset.value);
    });
  });
  group.replaceChildren(...buttons);
  return show;
}
