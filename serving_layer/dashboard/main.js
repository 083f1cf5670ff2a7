/** The dashboard: wires the parts together. Each part knows its own corner of the page and no other part. */

import { Alerts } from "./alerts.js";
import { Api, ApiError } from "./api.js";
import { Chart } from "./chart.js";
import { MarketClock } from "./clock.js";
import { ConnectionView } from "./connection.js";
import { Desk } from "./desk.js";
import { byId, radioGroup, setText } from "./dom.js";
import { every } from "./every.js";
import { Health } from "./health.js";
import { listenToKeys } from "./keys.js";
import { Legend } from "./legend.js";
import { dayAndTime } from "./new_york.js";
import { Session } from "./session.js";
import { Signals } from "./signals.js";
import { LiveSocket } from "./socket.js";
import { Stage } from "./stage.js";
import { BarTable } from "./table.js";
import { followTheme } from "./theme.js";
import { FIRST, TIMEFRAMES, timeframe } from "./timeframes.js";
import { showTitle } from "./title.js";
import { showSignalTip } from "./tooltip.js";
import { WatchList } from "./watchlist.js";

const SNAPSHOT_EVERY_MS = 60_000;
const POLL_EVERY_MS = 5_000;
/** While trades come in, a connection that is silent for so long is put to the test: it may have died in a sleep. */
const MOST_SILENCE_MS = 30_000;

const api = new Api();
const session = new Session(api);
const clock = new MarketClock();
const legend = new Legend();
/** @type {LiveSocket | null} */
let socket = null;
/** Unix ms of a bar under the pointer. @type {number | null} */
let pointed = null;
let tradesIn = 0;
let renewing = false;

const chart = new Chart({
  older: () => desk.older(),
  pointed: (t, x) => {
    pointed = t;
    showLegend();
    showSignalTip(t === null ? [] : signals.charted.filter((one) => one.t === t), x);
  },
  moved: (atEnd) => {
    byId("latest").hidden = atEnd;
    showTable();
  },
});
const stage = new Stage(() => (desk.symbol === "" ? readSnapshot() : select(desk.symbol, desk.frame)));
const desk = new Desk(api, chart, {
  state: showState,
  bars: () => {
    showLegend();
    showTable();
    showSymbol();
    mark();
  },
  moved: (changed) => {
    showLegend();
    showSymbol();
    if (table.open) table.update(changed);
  },
  history: (complete) => {
    chart.end(complete);
    setText(byId("history"), complete && desk.bars.length > 0 ? `First bar: ${dayAndTime(desk.bars[0].t)}` : "");
  },
  failed: (error) => {
    if (error.kind === "key") renewKey(error);
  },
});
const table = new BarTable(showTable);
const watch = new WatchList({ chosen: (symbol) => select(symbol, desk.frame), visible: subscribe });
const signals = new Signals(api, { chosen: showSignal, changed: mark });
const alerts = new Alerts(api, () => ({ symbol: desk.symbol, price: desk.bars.at(-1)?.c }));
const connection = new ConnectionView(() => socket?.reconnect());
const health = new Health(api, { read: readHealth });
const frames = TIMEFRAMES.map(({ name }, index) => ({
  value: name,
  label: name,
  title: `${name} bars (${index + 1})`,
}));
const showFrame = radioGroup(byId("frames"), frames, (name) => select(desk.symbol, timeframe(name)));
const nextTheme = followTheme(() => {
  chart.paint();
  mark();
});

/** @param {import("./stage.js").StageState} state @param {any} [error] */
function showState(state, error) {
  if (error?.kind === "key") renewKey(error);
  stage.showBars(state, desk.symbol, error);
  if (state === "ready") return;
  legend.show(undefined);
  setText(byId("history"), "");
}

function showLegend() {
  const { bars } = desk;
  legend.show((pointed === null ? undefined : bars.find(({ t }) => t === pointed)) ?? bars.at(-1));
}

function showTable() {
  if (!table.open) return;
  const [from, to] = chart.view();
  table.show(desk.bars.slice(from, to + 1));
}

function showSymbol() {
  showTitle(desk.symbol, watch.quotes.get(desk.symbol), desk.bars.at(-1));
}

/** Put the charted signals on the chart, as far as its bars go. */
function mark() {
  const first = desk.bars[0]?.t ?? Infinity;
  chart.mark(
    signals.charted
      .filter(({ t }) => t >= first)
      .map(({ id, t, side, status }) => ({ id, t, side, withdrawn: status === "withdrawn" })),
  );
}

/** Show a signal's bar, in its symbol and timeframe. @param {import("./api.js").Signal} signal */
async function showSignal({ ticker, timeframe: name, t }) {
  if (ticker !== desk.symbol || name !== desk.frame.name) await select(ticker, timeframe(name) ?? desk.frame);
  const index = desk.bars.findIndex((bar) => bar.t >= t);
  if (index >= 0) chart.centre(index);
}

/** @param {string} symbol @param {import("./timeframes.js").Timeframe} frame */
async function select(symbol, frame) {
  if (symbol === "") return;
  history.replaceState(null, "", `#${encodeURIComponent(symbol)}/${frame.name}`);
  pointed = null;
  showSignalTip([], 0);
  showFrame(frame.name);
  watch.select(symbol);
  byId("chart").setAttribute("aria-label", `${symbol}, bars of ${frame.name}; the button Table shows them as numbers`);
  const reading = Promise.all([desk.select(symbol, frame), signals.select(symbol, frame.name)]);
  showSymbol();
  subscribe();
  await reading;
}

/** Only what is looked at: second bars of the rows in view, minutes of the chart, every signal and alert. */
function subscribe() {
  if (desk.symbol === "") return;
  const seconds = new Set([desk.symbol, ...watch.visible]);
  socket?.want([...[...seconds].map((symbol) => `A.${symbol}`), `AM.${desk.symbol}`, "S.*", "AL.*"]);
}

/** @param {any[]} events */
function read(events) {
  for (const event of events) {
    if (event.ev === "A") {
      clock.saw(event.e);
      watch.second(event);
      desk.second(event);
    } else if (event.ev === "AM") {
      clock.saw(event.e);
      desk.minute(event);
    } else if (event.ev === "S") signals.event(event);
    else if (event.ev === "AL") alerts.event(event);
  }
}

function connect() {
  socket?.close();
  const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/stocks`;
  let lives = 0;
  socket = new LiveSocket(url, api.key, {
    data: read,
    state: (state, why, retryAt) => {
      connection.show(state, why, retryAt);
      if (state === "live" && (lives += 1) > 1) readAgain();
      else if (state === "live") readLately();
      if (state === "refused") renewKey(new Error(why));
    },
  });
  subscribe();
}

/** What came between the first reading and the connection. */
function readLately() {
  desk.readAgain();
  signals.readAgain();
}

/** After a break: everything that may have been missed. */
function readAgain() {
  desk.readAgain(0);
  signals.readAgain();
  readSnapshot();
}

async function readSnapshot() {
  try {
    watch.snapshot(await api.snapshot());
    if (desk.symbol !== "") showSymbol();
    else if (watch.symbols.length > 0) select(...fromAddress());
    else stage.show("empty", "No symbols yet", "The platform keeps no trades. Symbols appear here with the first one.");
  } catch (error) {
    if (error.kind === "key") renewKey(error);
    else if (desk.symbol === "") stage.show("error", "The market's snapshot could not be read", error.message);
  }
}

/**
 * A key that was good is refused: a platform started afresh has another one, which its health tells; else people do.
 * @param {Error} error
 */
async function renewKey(error) {
  if (renewing) return;
  renewing = true;
  const refused = api.key;
  try {
    if (!session.take(await api.health()) || api.key === refused) await session.ask(error.message);
    connect();
    if (desk.symbol !== "") select(desk.symbol, desk.frame);
    await Promise.all([readSnapshot(), signals.readAgain()]);
  } catch (failed) {
    if (!(failed instanceof ApiError)) throw failed; // else health did not answer: the next refusal comes here again
  } finally {
    renewing = false;
  }
}

/** @param {any} answer */
function readHealth(answer) {
  const { feed = {} } = answer;
  byId("simulated").hidden = feed.simulated !== true;
  clock.feed(feed.simulated === true, feed.state === "running");
  clock.saw(feed.last_trade_ms);
  if (feed.trades_in > tradesIn && socket !== null && socket.silence !== Infinity && socket.silence > MOST_SILENCE_MS)
    socket.probe();
  tradesIn = feed.trades_in ?? tradesIn;
}

/** The symbol and timeframe of the address, else the first symbol in the timeframe to begin with. */
function fromAddress() {
  const [symbol, name] = new URLSearchParams(`at=${location.hash.slice(1)}`).get("at").split("/");
  return [watch.quotes.has(symbol) ? symbol : watch.symbols[0], timeframe(name) ?? timeframe(FIRST)];
}

async function start() {
  listenToKeys({
    move: (rows) => watch.move(rows),
    choose: () => watch.chooseActive(),
    scroll: (bars) => chart.scroll(bars),
    latest: () => chart.toLatest(),
    filter: () => watch.focusFilter(),
    frame: (frame) => select(desk.symbol, frame),
    table: () => table.toggle(),
    theme: nextTheme,
  });
  byId("latest").addEventListener("click", () => chart.toLatest());
  addEventListener("online", () => socket?.reconnect());
  if (!session.take(await health.start())) await session.ask();
  connect();
  await readSnapshot();
  signals.readAgain();
  every(SNAPSHOT_EVERY_MS, readSnapshot);
  every(POLL_EVERY_MS, () => {
    if (socket?.silence !== Infinity && desk.symbol !== "") return undefined; // live: nothing to ask for
    desk.readAgain(0);
    return readSnapshot();
  });
}

start();
