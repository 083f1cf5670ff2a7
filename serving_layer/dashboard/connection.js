/** What people see of the live connection: a word in the header, and a banner while it is down. */

import { byId, setText } from "./dom.js";

const WORDS = { connecting: "Connecting", live: "Live", waiting: "Disconnected", refused: "Refused", polling: "Polling" };
/** A connection that is back at once needs no banner. */
const BANNER_AFTER_MS = 400;

/** @param {() => void} reconnect */
export function connectionView(reconnect) {
  const word = byId("connection");
  const banner = byId("banner");
  const text = byId("banner-text");
  let pending = 0;
  let ticking = 0;
  byId("banner-retry").addEventListener("click", reconnect);

  const count = (why, retryAt) => {
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    setText(text, `Live updates stopped: ${why}. Trying again ${seconds > 0 ? `in ${seconds} s` : "now"}; meanwhile prices are read every few seconds.`);
  };
  return {
    /** @param {import("./socket.js").SocketState} state @param {string} why @param {number | null} retryAt  Unix ms of the host */
    show(state, why, retryAt) {
      word.dataset.state = state;
      setText(word, WORDS[state]);
      clearInterval(ticking);
      if (state === "live") {
        clearTimeout(pending);
        pending = 0;
        banner.hidden = true;
      } else if (state === "refused") {
        setText(text, `Live updates were refused: ${why}.`);
        banner.hidden = false;
      } else if (state === "waiting") {
        count(why, retryAt);
        ticking = setInterval(() => count(why, retryAt), 1_000);
        pending ||= setTimeout(() => { banner.hidden = false; }, BANNER_AFTER_MS);
      }
    },
  };
}
