/** What people see of the live connection: a word in the header, and a banner while it is down. */

import { byId, setText } from "./dom.js";

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  waiting: "Disconnected",
  refused: "Refused",
  polling: "Polling",
};
/** A connection that is back at once needs no banner. */
const BANNER_AFTER_MS = 400;
/** Where nothing has answered after this many tries, the platform pushes nothing: prices are read, and that is all. */
const NEVER_AFTER = 3;

export class ConnectionView {
  #word = byId("connection");
  #banner = byId("banner");
  #pending = 0;
  #ticking = 0;
  #tries = 0;
  #everLive = false;

  /** @param {() => void} reconnect */
  constructor(reconnect) {
    byId("banner-retry").addEventListener("click", reconnect);
  }

  /** @param {import("./socket.js").SocketState} state @param {string} why @param {number | null} retryAt  Unix ms */
  show(state, why, retryAt) {
    clearInterval(this.#ticking);
    if (state === "live") this.#everLive = true;
    if (state === "waiting") this.#tries += 1;
    const never = !this.#everLive && this.#tries >= NEVER_AFTER && state !== "refused";
    const shown = never ? "polling" : state;
    this.#word.dataset.state = shown;
    setText(this.#word, WORDS[shown]);
    if (state === "live" || never) this.#hide();
    else if (state === "refused") this.#tell(`Live updates were refused: ${why}.`);
    else if (state === "waiting") {
      this.#count(why, retryAt);
      this.#ticking = setInterval(() => this.#count(why, retryAt), 1_000);
      this.#pending ||= setTimeout(() => this.#reveal(), BANNER_AFTER_MS);
    }
  }

  #count(why, retryAt) {
    const seconds = Math.ceil((retryAt - Date.now()) / 1000);
    const when = seconds > 0 ? `in ${seconds} s` : "now";
    setText(byId("banner-text"), `Live updates stopped: ${why}. Trying again ${when}; prices are read meanwhile.`);
  }

  #tell(text) {
    setText(byId("banner-text"), text);
    this.#reveal();
  }

  #reveal() {
    this.#banner.hidden = false;
  }

  #hide() {
    clearTimeout(this.#pending);
    this.#pending = 0;
    this.#banner.hidden = true;
  }
}
