/** The chart: candles, volume and signal markers of one book of bars. Knows nothing of where bars come from. */

import {
  CandlestickSeries,
  CrosshairMode,
  HistogramSeries,
  createChartEx,
  createSeriesMarkers,
} from "./vendor/lightweight-charts-5.2.1.js";
import { byId } from "./dom.js";
import { price, priceDigits } from "./format.js";
import { NewYorkScale, moment, tickMark } from "./new_york.js";
import { colour } from "./theme.js";

/** Bars left of the view at which older ones are asked for. */
const EDGE = 60;
/** Bars of room to the right of the newest one. */
const RIGHT_OFFSET = 6;
const SHOWN_AT_FIRST = 140;
/** Narrower bars than these CSS pixels are not shown at first. */
const NARROWEST = 6.5;

/** @typedef {import("./api.js").Bar} Bar */

export class Chart {
  #box = byId("chart");
  #chart;
  #candles;
  #volume;
  #markers;
  #colours = { up: "", down: "" };
  /** Start of the last bar shown, Unix ms. */
  #last = -Infinity;

  /**
   * @param {{older: () => void, pointed: (t: number | null, x: number) => void,
   *   moved: (atEnd: boolean) => void}} listener
   */
  constructor(listener) {
    this.#chart = createChartEx(this.#box, new NewYorkScale(), {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.2 } },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: false,
        rightOffset: RIGHT_OFFSET,
        minBarSpacing: 1,
        tickMarkFormatter: tickMark,
      },
      localization: { timeFormatter: (seconds) => moment(seconds * 1000), priceFormatter: price },
      kineticScroll: { touch: !matchMedia("(prefers-reduced-motion: reduce)").matches, mouse: false },
    });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.#markers = createSeriesMarkers(this.#candles, []);
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range === null) return;
      if (range.from < EDGE) listener.older();
      listener.moved(this.#chart.timeScale().scrollPosition() > -1);
    });
    this.#chart.subscribeCrosshairMove(({ time, point }) =>
      listener.pointed(time === undefined ? null : time * 1000, point?.x ?? 0),
    );
    this.paint();
  }

  /** Take the colours of the theme. */
  paint() {
    this.#colours = { up: colour("--volume-up"), down: colour("--volume-down") };
    const up = colour("--candle-up");
    const down = colour("--candle-down");
    const grid = colour("--grid");
    this.#chart.applyOptions({
      layout: { background: { color: colour("--chart") }, textColor: colour("--muted") },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      crosshair: {
        vertLine: { color: colour("--faint"), labelBackgroundColor: colour("--label") },
        horzLine: { color: colour("--faint"), labelBackgroundColor: colour("--label") },
      },
    });
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.#volume.setData(
      this.#volume.data().map((one) => ({ ...one, color: one.rising ? this.#colours.up : this.#colours.down })),
    );
  }

  /**
   * Show these bars and none else.
   * @param {Bar[]} bars
   * @param {boolean} fresh  another symbol or timeframe: go to the newest
   */
  show(bars, fresh) {
    const digits = priceDigits(bars.at(-1)?.c ?? 1);
    this.#candles.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -digits, formatter: price } });
    this.#candles.setData(bars.map(candle));
    this.#volume.setData(bars.map((bar) => this.#column(bar)));
    this.#describe(bars);
    if (!fresh) return;
    this.#chart.priceScale("right").applyOptions({ autoScale: true });
    const shown = Math.min(SHOWN_AT_FIRST, this.#box.clientWidth / NARROWEST);
    this.#chart.timeScale().setVisibleLogicalRange({ from: bars.length - shown, to: bars.length - 1 + RIGHT_OFFSET });
  }

  /** Change bars that are shown, or add one at the end. @param {Bar[]} changed @param {Bar[]} bars  all of them */
  update(changed, bars) {
    for (const bar of changed) {
      const old = bar.t < this.#last;
      this.#candles.update(candle(bar), old);
      this.#volume.update(this.#column(bar), old);
      if (!old) this.#describe(bars);
    }
  }

  /** @param {{t: number, side: "buy" | "sell", withdrawn: boolean, id: string}[]} signals  in order of time */
  mark(signals) {
    const colours = { buy: colour("--buy"), sell: colour("--sell"), withdrawn: colour("--faint") };
    this.#markers.setMarkers(
      signals.map(({ t, side, withdrawn, id }) => ({
        id,
        time: t / 1000,
        position: side === "buy" ? "belowBar" : "aboveBar",
        shape: side === "buy" ? "arrowUp" : "arrowDown",
        color: withdrawn ? colours.withdrawn : colours[side],
      })),
    );
    this.#box.dataset.markers = String(signals.length);
  }

  /** The first and last bar in view, as indices. @returns {[number, number]} */
  view() {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    return range === null ? [0, 0] : [Math.max(0, Math.floor(range.from)), Math.max(0, Math.ceil(range.to))];
  }

  /** Bring a bar into the middle. @param {number} index */
  centre(index) {
    const [from, to] = this.view();
    const half = Math.max(20, (to - from) / 2);
    this.#chart.timeScale().setVisibleLogicalRange({ from: index - half, to: index + half });
  }

  /** Whether these are all bars there are: then the view ends at the first one. @param {boolean} complete */
  end(complete) {
    this.#chart.timeScale().applyOptions({ fixLeftEdge: complete && this.#candles.data().length > SHOWN_AT_FIRST });
  }

  toLatest() {
    this.#chart.timeScale().scrollToPosition(RIGHT_OFFSET, false);
  }

  /** Move the view by bars. @param {number} bars */
  scroll(bars) {
    const scale = this.#chart.timeScale();
    scale.scrollToPosition(scale.scrollPosition() + bars, false);
  }

  #column(bar) {
    const rising = bar.c >= bar.o;
    return { time: bar.t / 1000, value: bar.v, rising, color: rising ? this.#colours.up : this.#colours.down };
  }

  #describe(bars) {
    this.#last = bars.at(-1)?.t ?? -Infinity;
    this.#box.dataset.bars = String(bars.length);
    this.#box.dataset.first = String(bars[0]?.t ?? "");
    this.#box.dataset.last = String(bars.at(-1)?.t ?? "");
  }
}

/** @param {Bar} bar */
const candle = (bar) => ({ time: bar.t / 1000, open: bar.o, high: bar.h, low: bar.l, close: bar.c });
