-- Frames in files, one a line, in the order of the stream; for tests and for one machine. Closed windows to files.
CREATE TEMPORARY TABLE parts WITH (
  'connector' = 'filesystem', 'path' = '${source}', 'format' = 'json', 'json.ignore-parse-errors' = 'true'
) LIKE part_schema (EXCLUDING OPTIONS);

CREATE TEMPORARY TABLE records WITH (
  'connector' = 'filesystem', 'path' = '${sink}', 'format' = 'raw'
) LIKE record_schema (EXCLUDING OPTIONS);
