/**
 * One connection to `/stocks` in Polygon's protocol, kept up for ever: a lost one is opened again after a wait that
 * doubles up to a bound, with jitter. Reports `state`, `data` (an array of events) and `live` after every handshake.
 */

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 15_000;
const HANDSHAKE_MS = 10_000;
const ANSWER_MS = 5_000;
const CHANNELS_AT_ONCE = 400;

/** @typedef {"connecting" | "live" | "waiting" | "refused"} SocketState */

export class LiveSocket {
  #url;
  #key;
  #listener;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {SocketState} */
  #state = "connecting";
  /** Wanted, and asked for on this connection. @type {Set<string>} */
  #wanted = new Set();
  /** @type {Set<string>} */
  #asked = new Set();
  #failures = 0;
  #timer = 0;
  #probe = 0;
  #heard = 0;

  /**
   * @param {string} url
   * @param {string} key
   * @param {{state: (state: SocketState, text: string, retryAt: number | null) => void,
   *   data: (events: any[]) => void}} listener
   */
  constructor(url, key, listener) {
    this.#url = url;
    this.#key = key;
    this.#listener = listener;
    this.#open();
  }

  /** Milliseconds (of the host) since anything was heard, or Infinity. */
  get silence() {
    return this.#state === "live" ? performance.now() - this.#heard : Infinity;
  }

  /** Be subscribed to exactly these channels. @param {Iterable<string>} channels */
  want(channels) {
    this.#wanted = new Set(channels);
    this.#ask();
  }

  /** Open now instead of after the wait; a live connection is given up for a new one. */
  reconnect() {
    this.#drop();
    this.#open();
  }

  /** Say something that is answered, a channel that is held already; without an answer, open a new connection. */
  probe() {
    const [channel] = this.#asked;
    if (this.#state !== "live" || this.#probe !== 0 || channel === undefined) return;
    this.#tell("subscribe", [channel]);
    this.#probe = setTimeout(() => this.reconnect(), ANSWER_MS);
  }

  close() {
    this.#drop();
  }

  #open() {
    this.#become("connecting", "Connecting");
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(socket, "no answer"), HANDSHAKE_MS);
    socket.addEventListener("open", () => this.#send(socket, "auth", this.#key));
    socket.addEventListener("message", ({ data }) => this.#read(socket, data));
    socket.addEventListener("close", ({ code }) =>
      this.#lost(socket, code === 1012 ? "the service restarts" : "connection lost"),
    );
  }

  #read(socket, text) {
    if (socket !== this.#socket) return;
    this.#heard = performance.now();
    this.#answered();
    const events = JSON.parse(text);
    const data = events.filter((event) => event.ev !== "status");
    for (const event of events) if (event.ev === "status") this.#status(event);
    if (data.length > 0) this.#listener.data(data);
  }

  #status({ status, message }) {
    if (status === "auth_success") {
      clearTimeout(this.#timer);
      this.#failures = 0;
      this.#asked.clear();
      this.#become("live", "Live");
      this.#ask();
    } else if (status === "auth_failed") {
      this.#drop();
      this.#become("refused", message);
    }
  }

  #ask() {
    if (this.#state !== "live") return;
    this.#tell(
      "unsubscribe",
      [...this.#asked].filter((channel) => !this.#wanted.has(channel)),
    );
    this.#tell(
      "subscribe",
      [...this.#wanted].filter((channel) => !this.#asked.has(channel)),
    );
    this.#asked = new Set(this.#wanted);
  }

  #tell(action, channels) {
    for (let from = 0; from < channels.length; from += CHANNELS_AT_ONCE) {
      this.#send(this.#socket, action, channels.slice(from, from + CHANNELS_AT_ONCE).join(","));
    }
  }

  #send(socket, action, params) {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ action, params }));
  }

  #lost(socket, why) {
    if (socket !== this.#socket) return;
    this.#drop();
    const wait = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#become("waiting", why, Date.now() + wait);
  }

  #answered() {
    clearTimeout(this.#probe);
    this.#probe = 0;
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#answered();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #become(state, text, retryAt = null) {
    this.#state = state;
    this.#listener.state(state, text, retryAt);
  }
}
