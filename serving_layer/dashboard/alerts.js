/**
 * Alerts: a dialog with the rules of the key and what they found. Price alerts are added and changed here; the others, made
 * by the API or the command line, are shown and removed. `AL` events count on the button until the dialog is opened.
 */

import { byId, element, setText } from "./dom.js";
import { price } from "./format.js";
import { dayAndTime } from "./new_york.js";

/** Rows of what was found. */
const MOST_FIRED = 50;
const DIRECTIONS = { either: "crosses", up: "rises to", down: "falls to" };

/** @typedef {import("./api.js").Alert} Alert */
/** @typedef {import("./api.js").Fired} Fired */

/** @param {any} event  an `AL` event @returns {Fired} */
const ofEvent = ({ id, alert, sym, direction, value, t, note }) => ({ id, alert, ticker: sym, direction, value, t, note });

export class Alerts {
  #api;
  #shown;
  #dialog = byId("alerts");
  /** The alert that the form changes; null for a new one. @type {Alert | null} */
  #changing = null;
  /** By id, newest first. @type {Map<string, Fired>} */
  #fired = new Map();
  #news = 0;

  /**
   * @param {import("./api.js").Api} api
   * @param {() => {symbol: string, price: number | undefined}} shown  what the chart shows
   */
  constructor(api, shown) {
    this.#api = api;
    this.#shown = shown;
    byId("alerts-button").addEventListener("click", () => this.#open());
    byId("alerts-close").addEventListener("click", () => this.#dialog.close());
    byId("alert-cancel").addEventListener("click", () => this.#form(null));
    byId("alert-save").addEventListener("click", () => this.#save());
    byId("alert-level").addEventListener("keydown", ({ key }) => key === "Enter" && this.#save());
  }

  /** An `AL` event. */
  event(event) {
    const one = ofEvent(event);
    if (this.#fired.has(one.id)) return;
    this.#keep([one, ...this.#fired.values()]);
    if (this.#dialog.open) this.#read();
    else this.#count(this.#news + 1);
  }

  #open() {
    this.#count(0);
    this.#form(null);
    this.#dialog.showModal();
    byId("alert-level").focus();
    this.#read();
  }

  /** @param {number} news */
  #count(news) {
    this.#news = news;
    byId("alerts-news").hidden = news === 0;
    setText(byId("alerts-news"), news === 0 ? "" : String(news));
  }

  #read() {
    return this.#try(async () => {
      const [rules, fired] = await Promise.all([this.#api.alerts(), this.#api.fired(MOST_FIRED)]);
      byId("alert-rows").replaceChildren(...rules.map((one) => this.#rule(one)));
      this.#keep(fired);
    });
  }

  /** @param {Fired[]} fired */
  #keep(fired) {
    this.#fired = new Map(fired.slice(0, MOST_FIRED).map((one) => [one.id, one]));
    byId("fired-rows").replaceChildren(...[...this.#fired.values()].map(firedRow));
  }

  #save() {
    const rule = {
      ...(this.#changing ? settingsOf(this.#changing) : {}),
      ticker: byId("alert-symbol").value.trim(),
      repeat: byId("alert-repeat").value,
      note: byId("alert-note").value.trim(),
    };
    const level = byId("alert-level").value.trim();
    const when = { ...this.#changing?.when, type: "price", direction: byId("alert-direction").value };
    rule.when = { ...when, level: level === "" || Number.isNaN(Number(level)) ? null : Number(level) };
    return this.#try(async () => {
      await this.#api.putAlert(rule, this.#changing?.id);
      this.#form(null);
      await this.#read();
    });
  }

  /** What went wrong is said in the dialog. @param {() => Promise<void>} action */
  async #try(action) {
    try {
      await action();
      setText(byId("alerts-error"), "");
    } catch (error) {
      setText(byId("alerts-error"), error.message);
    }
  }

  /** Fill the form. @param {Alert | null} alert  null for a new one */
  #form(alert) {
    const { symbol, price: last } = this.#shown();
    this.#changing = alert;
    byId("alert-symbol").value = alert?.ticker ?? symbol;
    byId("alert-level").value = alert?.when.level ?? last ?? "";
    byId("alert-direction").value = alert?.when.direction ?? "either";
    byId("alert-repeat").value = alert?.repeat ?? "once";
    byId("alert-note").value = alert?.note ?? "";
    setText(byId("alert-form-title"), alert ? "Change the alert" : "New price alert");
    setText(byId("alert-save"), alert ? "Save" : "Add");
    byId("alert-cancel").hidden = alert === null;
    setText(byId("alerts-error"), "");
  }

  /** @param {Alert} alert */
  #rule(alert) {
    const { id, ticker, when, repeat, status, note } = alert;
    const change = element("button", { type: "button", class: "button", text: "Change" });
    change.addEventListener("click", () => this.#form(alert));
    const remove = element("button", { type: "button", class: "button", text: "Remove" });
    remove.addEventListener("click", () =>
      this.#try(async () => {
        await this.#api.removeAlert(id);
        await this.#read();
      }),
    );
    const told = status === "done" ? "done" : repeat === "once" ? "once" : "every time";
    return element(
      "li",
      { class: "alert-row", "data-id": id, "data-status": status },
      element("strong", { text: `${ticker} ${condition(when)}` }),
      element("em", { text: note === "" ? told : `${told} · ${note}` }),
      ...(when.type === "price" ? [change] : []),
      remove,
    );
  }
}

/** What the form does not show, as it is. @param {Alert} alert */
const settingsOf = ({ cooldown_s, session, expires }) => ({ cooldown_s, session, expires });

/** A condition in words. @param {any} when */
function condition(when) {
  const way = DIRECTIONS[when.direction] ?? "";
  if (when.type === "price") return `${way} ${price(when.level)}`;
  if (when.type === "move") return `moves ${when.percent} % ${when.direction} in ${when.minutes} min`;
  if (when.type === "indicator") return `${when.indicator}(${when.period}) ${way} ${when.level} on ${when.timeframe}`;
  return `${when.strategy} says ${when.side} on ${when.timeframe}`;
}

/** @param {Fired} fired */
function firedRow({ ticker, direction, value, t, note }) {
  const at = value === direction ? "" : ` ${value}`;
  return element(
    "li",
    { class: "alert-row" },
    element("strong", { text: `${ticker} ${direction}${at}` }),
    element("em", { text: note }),
    element("time", { datetime: new Date(t).toISOString(), text: dayAndTime(t) }),
  );
}
