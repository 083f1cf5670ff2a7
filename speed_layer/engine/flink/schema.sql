-- What is read and written, wherever it lies; kinesis.sql and files.sql add the where.

-- A frame is a JSON array, and each of its parts is a row. A part is counted from the shortest window that was still open
-- when it was framed (`late` timeframes had closed on it), so its row stands in the last second of that window: all longer
-- windows hold that second too. Heartbeats (sym = '') carry the promise, and nothing else moves the watermark: a window
-- closes when the promise reaches its end. 18 digits of a price are what a frame can hold, and what fits a long.
CREATE TEMPORARY TABLE part_schema (
  v INT,
  f STRING,
  sym STRING,
  sec BIGINT,
  late INT,
  bar ROW<
    `first` STRING, `last` STRING, high DECIMAL(18, 9), low DECIMAL(18, 9),
    volume DECIMAL(38, 6), notional DECIMAL(38, 15), `count` BIGINT,
    `day` ROW<`first` STRING, `last` STRING, high DECIMAL(18, 9), low DECIMAL(18, 9)>
  >,
  closed AS COALESCE(late, 0),
  ts AS TO_TIMESTAMP_LTZ(1000 * CASE late
    WHEN 1 THEN sec - MOD(sec, 300) + 299
    WHEN 2 THEN sec - MOD(sec, 900) + 899
    WHEN 3 THEN sec - MOD(sec, 1800) + 1799
    WHEN 4 THEN sec - MOD(sec, 3600) + 3599
    ELSE sec END, 3),
  WATERMARK FOR ts AS CASE WHEN sym = '' THEN ts - INTERVAL '0.001' SECOND END
) WITH ('connector' = 'blackhole');

-- A row is a record of the bars stream: a JSON array of closed windows.
CREATE TEMPORARY TABLE record_schema (bars STRING) WITH ('connector' = 'blackhole');
