-- Files read to their end: nothing is late then, and each part is counted in all of its windows.
CREATE TEMPORARY TABLE parts (
  closed AS 0,
  ts AS TO_TIMESTAMP_LTZ(1000 * sec, 3),
  WATERMARK FOR ts AS CASE WHEN sym = '' THEN ts - INTERVAL '0.001' SECOND END
) WITH (
  'connector' = 'filesystem', 'format' = 'json', 'json.ignore-parse-errors' = 'true',
  ${source}
) LIKE part_schema (EXCLUDING OPTIONS OVERWRITING GENERATED OVERWRITING WATERMARKS);

CREATE TEMPORARY TABLE records WITH (
  'connector' = 'filesystem', 'format' = 'raw',
  ${sink}
) LIKE record_schema (EXCLUDING OPTIONS);
