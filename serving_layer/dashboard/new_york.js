/** New York time: formats of instants, the state of the session, and a time axis cut at New York's days. */

import { TickMarkType, defaultHorzScaleBehavior } from "./vendor/lightweight-charts-5.2.1.js";

const ZONE = { timeZone: "America/New_York", hourCycle: "h23" };
const made = (options) => new Intl.DateTimeFormat("en-US", { ...ZONE, ...options });
const formats = {
  time: made({ hour: "2-digit", minute: "2-digit" }),
  seconds: made({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  day: made({ weekday: "short", month: "short", day: "numeric" }),
  dayOfMonth: made({ month: "short", day: "numeric" }),
  month: made({ month: "short", year: "numeric" }),
  year: made({ year: "numeric" }),
  moment: made({
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  }),
  offset: made({ timeZoneName: "longOffset" }),
  weekday: made({ weekday: "short" }),
};

/** 14:05. @param {number} ms */
export const timeOfDay = (ms) => formats.time.format(ms);
/** 14:05:09. @param {number} ms */
export const timeWithSeconds = (ms) => formats.seconds.format(ms);
/** Thu, Mar 5. @param {number} ms */
export const day = (ms) => formats.day.format(ms);
/** Mar 5, 14:05. @param {number} ms */
export const dayAndTime = (ms) => `${formats.dayOfMonth.format(ms)}, ${formats.time.format(ms)}`;
/** Thu, Mar 5, 2026, 14:05. @param {number} ms */
export const moment = (ms) => formats.moment.format(ms);

/** Minutes since New York's midnight. @param {number} ms */
function minuteOfDay(ms) {
  const [hours, minutes] = timeOfDay(ms).split(":").map(Number);
  return hours * 60 + minutes;
}

/**
 * What part of a US trading day an instant lies in, by the clock; holidays are known by their silence.
 * @param {number} ms
 * @returns {"Pre-market" | "Regular hours" | "After hours" | "Closed"}
 */
export function sessionAt(ms) {
  if (["Sat", "Sun"].includes(formats.weekday.format(ms))) return "Closed";
  const minute = minuteOfDay(ms);
  if (minute >= 4 * 60 && minute < 9 * 60 + 30) return "Pre-market";
  if (minute >= 9 * 60 + 30 && minute < 16 * 60) return "Regular hours";
  return minute >= 16 * 60 && minute < 20 * 60 ? "After hours" : "Closed";
}

/** @type {Map<number, number>} */
const offsets = new Map();

/**
 * Seconds that New York's clocks are ahead of UTC (negative); they change at whole hours only.
 * @param {number} seconds
 */
export function offsetSeconds(seconds) {
  const hour = Math.floor(seconds / 3600);
  let offset = offsets.get(hour);
  if (offset === undefined) {
    const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(formats.offset.format(hour * 3_600_000));
    offset = (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
    offsets.set(hour, offset);
  }
  return offset;
}

/** A time axis whose days, months and round hours are New York's; items are Unix seconds. */
export class NewYorkScale extends defaultHorzScaleBehavior() {
  fillWeightsForPoints(points, start) {
    const first = Math.max(0, start - 1);
    const local = points.slice(first).map((point) => {
      const seconds = this.key(point.time);
      return { timeWeight: point.timeWeight, time: this.convertHorzItemToInternal(seconds + offsetSeconds(seconds)) };
    });
    super.fillWeightsForPoints(local, start - first);
    for (let index = start; index < points.length; index += 1)
      points[index].timeWeight = local[index - first].timeWeight;
  }
}

/** Text under a mark of the time axis. @param {number} seconds @param {number} type */
export function tickMark(seconds, type) {
  const ms = seconds * 1000;
  switch (type) {
    case TickMarkType.Year:
      return formats.year.format(ms);
    case TickMarkType.Month:
      return formats.month.format(ms);
    case TickMarkType.DayOfMonth:
      return formats.dayOfMonth.format(ms);
    case TickMarkType.TimeWithSeconds:
      return timeWithSeconds(ms);
    default:
      return timeOfDay(ms);
  }
}
