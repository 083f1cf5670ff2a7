-- Frames in files, one a line, in the order of the stream; closed windows to files.
CREATE TEMPORARY TABLE parts WITH (
  'connector' = 'filesystem', 'format' = 'json', 'json.ignore-parse-errors' = 'true',
  ${source}
) LIKE part_schema (EXCLUDING OPTIONS);

CREATE TEMPORARY TABLE records WITH (
  'connector' = 'filesystem', 'format' = 'raw',
  ${sink}
) LIKE record_schema (EXCLUDING OPTIONS);
