/**
 * The API key. A local platform tells its own; elsewhere people give theirs, and it stays in this tab: it is kept in
 * sessionStorage, never in a URL, a cookie or the other storage.
 */

import { byId, setText } from "./dom.js";

const STORED = "condvest.key";

export class Session {
  #api;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    byId("forget-key").addEventListener("click", () => {
      sessionStorage.removeItem(STORED);
      location.reload();
    });
    byId("key-dialog").addEventListener("cancel", (event) => event.preventDefault()); // nothing works without a key
  }

  /**
   * Take the key that a local platform tells, or the one given in this tab.
   * @param {any} health
   * @returns {boolean}  whether there is one
   */
  take(health) {
    this.#api.key = health.local_key ?? sessionStorage.getItem(STORED);
    byId("forget-key").hidden = health.local_key !== undefined || this.#api.key === null;
    return this.#api.key !== null;
  }

  /** Ask for a key until one opens the market's snapshot. @param {string} [why]  what was wrong with the last one */
  async ask(why = "") {
    const dialog = byId("key-dialog");
    const field = byId("key-field");
    field.value = "";
    setText(byId("key-error"), why);
    if (!dialog.open) dialog.showModal();
    while (true) {
      const key = await this.#given(field);
      this.#api.key = key;
      try {
        await this.#api.snapshot();
        sessionStorage.setItem(STORED, key);
        field.value = "";
        byId("forget-key").hidden = false;
        dialog.close();
        return;
      } catch (error) {
        this.#api.key = null;
        setText(byId("key-error"), error.message);
      }
    }
  }

  /** The next key that is given. @returns {Promise<string>} */
  #given(field) {
    return new Promise((resolve) => {
      const done = new AbortController();
      const give = () => {
        const key = field.value.trim();
        if (key === "") return;
        done.abort();
        resolve(key);
      };
      byId("key-use").addEventListener("click", give, { signal: done.signal });
      field.addEventListener(
        "keydown",
        ({ key }) => {
          if (key === "Enter") give();
        },
        { signal: done.signal },
      );
    });
  }
}
