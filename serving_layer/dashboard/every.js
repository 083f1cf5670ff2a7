/** Work that repeats: a turn begins a while after the last has ended, so a slow platform is never asked twice at once. */

/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** @param {number} ms  between two turns @param {() => unknown} turn  may return a promise, which must not reject */
export async function every(ms, turn) {
  for (;;) {
    await pause(ms);
    await turn();
  }
}
