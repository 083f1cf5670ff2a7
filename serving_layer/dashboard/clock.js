/** The market's clock: the newest time the feed has told of, in New York. It never runs ahead of the data. */

import { byId, setText } from "./dom.js";
import { day, sessionAt, timeWithSeconds } from "./new_york.js";

export class MarketClock {
  /** Unix ms of the newest event. */
  now = 0;
  #simulated = false;
  #running = true;

  /** An event's time, Unix ms. @param {number | null | undefined} ms */
  saw(ms) {
    if (!Number.isFinite(ms) || ms <= this.now) return;
    this.now = ms;
    this.#show();
  }

  /** @param {boolean} simulated @param {boolean} running */
  feed(simulated, running) {
    this.#simulated = simulated;
    this.#running = running;
    this.#show();
  }

  #show() {
    const session = this.#session();
    const pill = byId("clock-session");
    setText(pill, session);
    pill.dataset.open = String(session === "Regular hours" || session === "Always open");
    if (this.now === 0) return;
    const time = byId("clock-time");
    setText(time, timeWithSeconds(this.now));
    time.setAttribute("datetime", new Date(this.now).toISOString());
    setText(byId("clock-date"), day(this.now));
  }

  #session() {
    if (!this.#running) return "Feed ended";
    if (this.#simulated) return "Always open";
    return this.now === 0 ? "" : sessionAt(this.now);
  }
}
