/** The public REST routes. Every request has a time limit, and every failure is an ApiError that says what it means. */

const LIMIT_MS = 15_000;
/** Later than any bar: an open end, so that the page needs no clock of its own. Unix ms of 2100-01-01. */
const OPEN_END = 4_102_444_800_000;
/** The most that one answer may be made of: `limit` counts minutes, not bars. */
const MOST_MINUTES = 50_000;

/** @typedef {import("./timeframes.js").Timeframe} Timeframe */
/** @typedef {{t: number, o: number, h: number, l: number, c: number, v: number, vw?: number, n?: number}} Bar */
/** @typedef {{id: string, ticker: string, strategy: string, timeframe: string, t: number, side: "buy" | "sell",
 *   price: number, status: "active" | "withdrawn", known_at: number}} Signal */
/** @typedef {{id: string, ticker: string, when: any, repeat: string, cooldown_s: number, session: string,
 *   expires: number | null, note: string, status: "active" | "done" | "unreadable"}} Alert */
/** @typedef {{id: string, alert: string, ticker: string, direction: string, value: string, t: number,
 *   note: string}} Fired */

export class ApiError extends Error {
  /**
   * @param {"key" | "missing" | "refused" | "unavailable" | "unreachable"} kind
   * @param {string} text  for people
   */
  constructor(kind, text) {
    super(text);
    this.kind = kind;
  }
}

export class Api {
  /** @type {string | null} */
  key = null;

  /** What the platform says of itself; needs no key. */
  health() {
    return this.#get("/v1/health", { key: false });
  }

  /** The market's snapshot, one entry per symbol. @returns {Promise<any[]>} */
  async snapshot() {
    return (await this.#get("/v2/snapshot/locale/us/markets/stocks/tickers")).tickers ?? [];
  }

  /**
   * The newest bars before an instant, oldest first; `more`: whether there are older ones. Windows are counted from
   * 0, so every page cuts them alike.
   * @param {string} symbol
   * @param {Timeframe} frame
   * @param {{before?: number, count: number, signal: AbortSignal}} options  about how many bars
   * @returns {Promise<{bars: Bar[], more: boolean}>}
   */
  async newestBars(symbol, frame, { before = OPEN_END, count, signal }) {
    const minutes = Math.min(MOST_MINUTES, Math.round((count * frame.ms) / 60_000));
    const url = `${path(symbol, frame, 0, before - 1)}?sort=desc&limit=${minutes}`;
    const { results = [], next_url: next } = await this.#get(url, { signal });
    return { bars: results.reverse(), more: next !== undefined };
  }

  /**
   * Every bar from a window's start on, oldest first.
   * @param {string} symbol
   * @param {Timeframe} frame
   * @param {number} from  a window's start, Unix ms
   * @param {AbortSignal} signal
   * @returns {Promise<Bar[]>}
   */
  async barsSince(symbol, frame, from, signal) {
    const bars = [];
    let url = `${path(symbol, frame, from, OPEN_END)}?sort=asc&limit=${MOST_MINUTES}`;
    while (url !== null) {
      const { results = [], next_url: next } = await this.#get(url, { signal });
      bars.push(...results);
      url = ownPath(next);
    }
    return bars;
  }

  /**
   * Signals, newest first, at most `most` of them.
   * @param {Record<string, string>} filters
   * @param {number} most
   * @returns {Promise<Signal[]>}
   */
  async signals(filters, most) {
    const found = [];
    let url = `/v1/signals?${new URLSearchParams({ order: "desc", limit: String(Math.min(most, 1_000)), ...filters })}`;
    while (url !== null && found.length < most) {
      const { results = [], next_url: next } = await this.#get(url);
      for (const one of results) found.push({ ...one, price: Number(one.price) });
      url = ownPath(next);
    }
    return found;
  }

  /** The alerts of the key. @returns {Promise<Alert[]>} */
  async alerts() {
    const found = [];
    for (let url = "/v1/alerts"; url !== null; ) {
      const { results = [], next_url: next } = await this.#get(url);
      found.push(...results);
      url = ownPath(next);
    }
    return found;
  }

  /** What alerts have found, newest first. @returns {Promise<Fired[]>} */
  async fired(most = 50) {
    return (await this.#get(`/v1/alerts/fired?limit=${most}`)).results ?? [];
  }

  /** Add an alert, or change one. @param {object} rule @param {string} [id] */
  putAlert(rule, id) {
    const body = JSON.stringify(rule);
    return id === undefined
      ? this.#get("/v1/alerts", { method: "POST", body })
      : this.#get(`/v1/alerts/${encodeURIComponent(id)}`, { method: "PUT", body });
  }

  /** @param {string} id */
  removeAlert(id) {
    return this.#get(`/v1/alerts/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  /**
   * @param {string} url
   * @param {{key?: boolean, signal?: AbortSignal, method?: string, body?: string}} [options]
   * @returns {Promise<any>}
   */
  async #get(url, { key = true, signal, method = "GET", body } = {}) {
    const limit = AbortSignal.timeout(LIMIT_MS);
    const options = {
      method,
      body,
      headers: {
        ...(key && this.key !== null ? { Authorization: `Bearer ${this.key}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    };
    let answer;
    try {
      answer = await fetch(url, options);
      if (answer.ok) return answer.status === 204 ? {} : await answer.json();
    } catch (error) {
      signal?.throwIfAborted();
      throw new ApiError(
        "unreachable",
        error.name === "TimeoutError" ? "The platform did not answer in time." : "The platform cannot be reached.",
      );
    }
    throw await refusal(answer);
  }
}

/** @param {string} symbol @param {Timeframe} frame @param {number} from @param {number} to  both included, Unix ms */
function path(symbol, frame, from, to) {
  return `/v2/aggs/ticker/${encodeURIComponent(symbol)}/range/${frame.multiplier}/${frame.unit}/${from}/${to}`;
}

/**
 * Path and query of a link to the next page: its host may be the edge's, ours is the page's.
 * @param {string | undefined} url
 */
function ownPath(url) {
  if (url === undefined) return null;
  const { pathname, search } = new URL(url, location.origin);
  return pathname + search;
}

/** What an answer other than 200 means. @param {Response} answer @returns {Promise<ApiError>} */
async function refusal(answer) {
  const body = await answer.json().catch(() => ({}));
  const text = body.error ?? body.message ?? `The platform answered ${answer.status}.`;
  if (answer.status === 401 || answer.status === 403) return new ApiError("key", text);
  if (answer.status === 404) return new ApiError("missing", text);
  return new ApiError(answer.status === 429 || answer.status >= 500 ? "unavailable" : "refused", text);
}
