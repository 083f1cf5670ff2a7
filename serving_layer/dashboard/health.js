/** Health of feed and engine, read every few seconds: a light in the header, the numbers behind it in a popover. */

import { byId, element, setText } from "./dom.js";
import { every, pause } from "./every.js";
import { age, count } from "./format.js";

const EVERY_MS = 5_000;
/** While nothing has answered yet. */
const AGAIN_MS = 1_000;
const WORDS = {
  ok: "all is well",
  warn: "something needs a look",
  bad: "something is wrong",
  unknown: "not known yet",
};

/**
 * How well the platform is, and why. Losing trades is bad; what waits, or was put aside, needs a look.
 * @param {any} health
 * @returns {["ok" | "warn" | "bad", string]}
 */
export function verdict({ feed = {}, components = {}, counts = {} }) {
  const down = Object.entries(components)
    .filter(([, state]) => state === "unavailable" || state === "failed")
    .map(([name]) => name);
  if (counts.lost > 0) return ["bad", `${count(counts.lost)} trades lost`];
  if (down.length > 0) return ["warn", `${down.join(", ")} not available`];
  if (counts.gaps_unfilled > 0) return ["warn", `${count(counts.gaps_unfilled)} gaps of the feed not filled`];
  if (feed.state === "ended") return ["ok", "The feed has ended; everything it produced can be read"];
  return feed.state === "running" ? ["ok", "Running"] : ["warn", "No feed"];
}

/**
 * Names and values of the panel.
 * @param {any} health
 * @param {number} clock  newest trade, Unix ms; 0: none
 * @param {number} heard  ms since it was heard of
 */
function lines({ feed = {}, components = {}, counts = {} }, clock, heard) {
  return [
    ["Feed", [feed.source, feed.state].filter(Boolean).join(" · ")],
    ["Trades in", count(feed.trades_in)],
    ["Last trade", clock > 0 ? `${age(heard)} ago` : "–"],
    ...Object.entries(components).map(([name, state]) => [name.charAt(0).toUpperCase() + name.slice(1), state]),
    ...["frames", "parts", "bars", "signals", "late", "duplicates", "quarantined", "lost", "gaps_unfilled"]
      .filter((name) => counts[name] !== undefined)
      .map((name) => [name.charAt(0).toUpperCase() + name.slice(1).replace("_", " "), count(counts[name])]),
  ];
}

export class Health {
  #api;
  #listener;
  #button = byId("health-button");
  #panel = byId("health");
  #lastTrade = 0;
  #lastHeard = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {{read: (health: any) => void}} listener
   */
  constructor(api, listener) {
    this.#api = api;
    this.#listener = listener;
    this.#button.addEventListener("click", () => this.#toggle(this.#panel.hidden));
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#toggle(false);
    });
    document.addEventListener("click", ({ target }) => {
      if (!this.#panel.hidden && !target.closest(".anchor")) this.#toggle(false);
    });
  }

  /** Read it now and from then on. Resolves with the first answer. @returns {Promise<any>} */
  async start() {
    let first = await this.#read();
    while (first === undefined) {
      await pause(AGAIN_MS);
      first = await this.#read();
    }
    every(EVERY_MS, () => this.#read());
    return first;
  }

  async #read() {
    try {
      const health = await this.#api.health();
      this.#show(health);
      this.#listener.read(health);
      return health;
    } catch (error) {
      this.#light("bad", error.message);
      this.#panel.replaceChildren(element("p", { class: "health-text", text: error.message }));
      return undefined;
    }
  }

  #show(health) {
    const newest = health.feed?.last_trade_ms ?? 0;
    if (newest > this.#lastTrade) {
      this.#lastTrade = newest;
      this.#lastHeard = Date.now();
    }
    const [level, text] = verdict(health);
    this.#light(level, text);
    this.#panel.replaceChildren(
      element("p", { class: "health-text", text }),
      element(
        "dl",
        {},
        ...lines(health, newest, Date.now() - this.#lastHeard).flatMap(([name, value]) => [
          element("dt", { text: name }),
          element("dd", { text: String(value) }),
        ]),
      ),
    );
  }

  #light(level, text) {
    this.#button.dataset.level = level;
    this.#button.title = text;
    setText(byId("health-level"), WORDS[level]);
  }

  #toggle(open) {
    this.#panel.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
  }
}
