-- The streams. `source` and `sink` are property groups of the application: at least stream.arn and aws.region of each.
-- The readers of trades share five reads a second and shard, so an empty answer is followed by half a second of rest.
-- Records are sent 100 ms after the first of them at the latest, and again after a restart: consumers keep the one with
-- the largest count.
CREATE TEMPORARY TABLE parts WITH (
  'connector' = 'kinesis', 'format' = 'json', 'json.ignore-parse-errors' = 'true',
  'source.reader.empty-records-fetch-interval' = '500 ms',
  ${source}
) LIKE part_schema (EXCLUDING OPTIONS);

CREATE TEMPORARY TABLE records WITH (
  'connector' = 'kinesis', 'format' = 'raw', 'sink.partitioner' = 'random',
  'sink.flush-buffer.timeout' = '100',
  ${sink}
) LIKE record_schema (EXCLUDING OPTIONS);
