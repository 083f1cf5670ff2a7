-- What the job computes: merges, and nothing else. Sale conditions, rounding and VWAP are not its matter.

-- A value that is not what its column takes ('NaN' where a number belongs) reads as NULL. Of a part's values all sums are
-- there, and an open only with close, high and low; a part without is left out, as all readers of frames leave it out.
CREATE TEMPORARY VIEW counted AS
SELECT f, sym, sec, closed, ts, bar FROM parts WHERE v = 1 AND sym <> '' AND closed < 5
  AND bar.volume IS NOT NULL AND bar.notional IS NOT NULL AND bar.`count` IS NOT NULL
  AND COALESCE(CHAR_LENGTH(bar.`first`), 43) = 43 AND COALESCE(CHAR_LENGTH(bar.`last`), 43) = 43
  AND (bar.high IS NULL) = (bar.low IS NULL) AND (bar.`first` IS NULL) = (bar.`last` IS NULL)
  AND (bar.`first` IS NULL OR bar.high IS NOT NULL)
  AND (bar.`day`.high IS NULL) = (bar.`day`.low IS NULL) AND (bar.`day`.`first` IS NULL) = (bar.`day`.`last` IS NULL)
  AND (bar.`day`.`first` IS NULL OR bar.`day`.high IS NOT NULL);

-- Each part once: at least once is what the stream promises. A repeat falls into the same minute as the part itself.
CREATE TEMPORARY VIEW once AS
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, f, sym, sec ORDER BY ts) AS copy
  FROM TABLE(TUMBLE(TABLE counted, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
)
WHERE copy = 1;

-- What a minute adds to each symbol, apart for parts on which shorter windows had closed.
CREATE TEMPORARY VIEW minutes AS
SELECT sym, closed, window_time AS ended,
  MIN(bar.`first`) AS `first`, MAX(bar.`last`) AS `last`, MAX(bar.high) AS high, MIN(bar.low) AS low,
  MIN(CASE WHEN bar.`day` IS NULL THEN bar.`first` ELSE bar.`day`.`first` END) AS day_first,
  MAX(CASE WHEN bar.`day` IS NULL THEN bar.`last` ELSE bar.`day`.`last` END) AS day_last,
  MAX(CASE WHEN bar.`day` IS NULL THEN bar.high ELSE bar.`day`.high END) AS day_high,
  MIN(CASE WHEN bar.`day` IS NULL THEN bar.low ELSE bar.`day`.low END) AS day_low,
  SUM(bar.volume) AS volume, SUM(bar.notional) AS notional, SUM(bar.`count`) AS trades
FROM once
GROUP BY sym, closed, window_start, window_end, window_time;

-- Once for each timeframe: a window takes the parts on which fewer than its rank had closed.
CREATE TEMPORARY VIEW bars_${tf} AS
SELECT '${tf}' AS tf, sym, window_start AS start_at, window_end AS end_at, window_time AS ended,
  MIN(`first`) AS `first`, MAX(`last`) AS `last`, MAX(high) AS high, MIN(low) AS low,
  MIN(day_first) AS day_first, MAX(day_last) AS day_last, MAX(day_high) AS day_high, MIN(day_low) AS day_low,
  SUM(volume) AS volume, SUM(notional) AS notional, SUM(trades) AS trades
FROM TABLE(TUMBLE(TABLE minutes, DESCRIPTOR(ended), INTERVAL '${minutes}' MINUTE))
WHERE closed < ${rank}
GROUP BY sym, window_start, window_end, window_time;

CREATE TEMPORARY VIEW closed_windows AS
SELECT * FROM bars_1m UNION ALL SELECT * FROM bars_5m UNION ALL SELECT * FROM bars_15m
UNION ALL SELECT * FROM bars_30m UNION ALL SELECT * FROM bars_1h;

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
FROM closed_windows;

-- Windows that close together travel together, in records of at most 128 kinds by symbol: of a whole market's hour each
-- is about 150 KB.
INSERT INTO records
SELECT '[' || LISTAGG(bar, ',') || ']'
FROM TABLE(TUMBLE(TABLE told, DESCRIPTOR(ended), INTERVAL '1' MINUTE))
GROUP BY bucket, window_start, window_end;
