-- What the job computes: merges, and nothing else. Sale conditions, rounding and VWAP are not its matter.

-- Each part once: at least once is what the stream promises. A repeat falls into the same minute as the part itself.
CREATE TEMPORARY VIEW once AS
SELECT sym, closed, window_start, window_end, window_time, bar
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, f, sym, sec ORDER BY ts) AS copy
  FROM TABLE(TUMBLE(TABLE parts, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
)
WHERE copy = 1 AND v = 1 AND sym <> '' AND closed < 5 AND bar IS NOT NULL;

-- One timeframe after the other. `closed` = 0 are the bars of one minute; parts on which that window had closed travel
-- beside them until a window takes them in: GREATEST(closed, rank - 1) joins the two.
CREATE TEMPORARY VIEW w1 AS
SELECT sym, closed, window_start AS start_at, window_end AS end_at, window_time AS ended,
  MIN(bar.`first`) AS `first`, MAX(bar.`last`) AS `last`, MAX(bar.high) AS high, MIN(bar.low) AS low,
  MIN(CASE WHEN bar.`day` IS NULL THEN bar.`first` ELSE bar.`day`.`first` END) AS day_first,
  MAX(CASE WHEN bar.`day` IS NULL THEN bar.`last` ELSE bar.`day`.`last` END) AS day_last,
  MAX(CASE WHEN bar.`day` IS NULL THEN bar.high ELSE bar.`day`.high END) AS day_high,
  MIN(CASE WHEN bar.`day` IS NULL THEN bar.low ELSE bar.`day`.low END) AS day_low,
  SUM(bar.volume) AS volume, SUM(bar.notional) AS notional, SUM(bar.`count`) AS trades
FROM once
GROUP BY sym, closed, window_start, window_end, window_time;

CREATE TEMPORARY VIEW w${rank} AS
SELECT sym, GREATEST(closed, ${rank} - 1) AS closed, window_start AS start_at, window_end AS end_at, window_time AS ended,
  MIN(`first`) AS `first`, MAX(`last`) AS `last`, MAX(high) AS high, MIN(low) AS low,
  MIN(day_first) AS day_first, MAX(day_last) AS day_last, MAX(day_high) AS day_high, MIN(day_low) AS day_low,
  SUM(volume) AS volume, SUM(notional) AS notional, SUM(trades) AS trades
FROM TABLE(TUMBLE(TABLE w${below}, DESCRIPTOR(ended), INTERVAL '${minutes}' MINUTE))
GROUP BY sym, GREATEST(closed, ${rank} - 1), window_start, window_end, window_time;

CREATE TEMPORARY VIEW windows_closed AS
SELECT '1m' AS tf, * FROM w1 WHERE closed = 0
UNION ALL SELECT '5m' AS tf, * FROM w2 WHERE closed = 1
UNION ALL SELECT '15m' AS tf, * FROM w3 WHERE closed = 2
UNION ALL SELECT '30m' AS tf, * FROM w4 WHERE closed = 3
UNION ALL SELECT '1h' AS tf, * FROM w5 WHERE closed = 4;

-- The day's prices are told only where they differ. `s` is the end of the window: the promise has reached it.
CREATE TEMPORARY VIEW told AS
SELECT ended, MOD(ABS(HASH_CODE(sym)), 128) AS bucket, JSON_OBJECT(
  'v' VALUE 1,
  'sym' VALUE sym,
  'tf' VALUE tf,
  't' VALUE 60000 * CAST(TIMESTAMPDIFF(MINUTE, TIMESTAMP '1970-01-01 00:00:00', start_at) AS BIGINT),
  'partial' VALUE JSON_OBJECT(
    'volume' VALUE CAST(volume AS STRING),
    'notional' VALUE CAST(notional AS STRING),
    'count' VALUE trades,
    'first' VALUE `first`,
    'last' VALUE `last`,
    'high' VALUE CAST(high AS STRING),
    'low' VALUE CAST(low AS STRING),
    'day' VALUE JSON(CASE
      WHEN `first` IS DISTINCT FROM day_first OR `last` IS DISTINCT FROM day_last
        OR high IS DISTINCT FROM day_high OR low IS DISTINCT FROM day_low
      THEN JSON_OBJECT(
        'first' VALUE day_first, 'last' VALUE day_last,
        'high' VALUE CAST(day_high AS STRING), 'low' VALUE CAST(day_low AS STRING) ABSENT ON NULL) END)
    ABSENT ON NULL),
  'rev' VALUE 0,
  'engine' VALUE 'flink',
  's' VALUE 60 * CAST(TIMESTAMPDIFF(MINUTE, TIMESTAMP '1970-01-01 00:00:00', end_at) AS BIGINT)
) AS bar
FROM windows_closed;

-- Windows that close together travel together, in records of at most 128 kinds by symbol: of a whole market's hour each
-- is about 150 KB.
INSERT INTO records
SELECT '[' || LISTAGG(bar, ',') || ']'
FROM TABLE(TUMBLE(TABLE told, DESCRIPTOR(ended), INTERVAL '1' MINUTE))
GROUP BY bucket, window_start, window_end;
