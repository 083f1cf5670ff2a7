-- What was known before, and what could not be believed.

-- A row whose values changed: as it was and as it became. day: its trade date in New York, null for tickers.
CREATE TABLE corrections (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    sym      text NOT NULL,
    day      date,
    old      jsonb NOT NULL,
    new      jsonb NOT NULL,
    source   text NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE INDEX corrections_by_symbol ON corrections (relation, sym, day);
CREATE INDEX corrections_by_time ON corrections (known_at);

-- Written by whoever changes a row, so that no writer can forget it.
CREATE FUNCTION record_correction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
BEGIN
    INSERT INTO corrections (relation, sym, day, old, new, source, known_at)
    VALUES (
        TG_ARGV[0], OLD.sym,
        coalesce((was ->> 'day')::date, ((was ->> 't')::timestamptz AT TIME ZONE 'America/New_York')::date),
        was, to_jsonb(NEW), NEW.source, NEW.known_at
    );
    RETURN NULL;
END $$;

DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['bars_1m', 'bars_1d', 'bars_nd', 'splits', 'dividends', 'tickers'] LOOP
        EXECUTE format(
            'CREATE TRIGGER record_correction AFTER UPDATE ON %I FOR EACH ROW
             WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION record_correction(%L)', relation, relation);
    END LOOP;
END $$;

-- Input that broke a rule, once each. row: JSON, numbers as they travel (scaled integers).
CREATE TABLE quarantine (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    reason   text NOT NULL,
    row      text NOT NULL,
    source   text NOT NULL,
    known_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX quarantine_once ON quarantine (relation, reason, md5(row), source);

-- Every version of a row that there was: the row, and what it was before each correction. The symbol and the day stand
-- by themselves so that a reader of one symbol's old rows finds them by index.
CREATE VIEW bars_1d_versions AS
    SELECT sym, day, open, high, low, close, volume, vwap, count, source, known_at, revision FROM bars_1d
    UNION ALL
    SELECT c.sym, c.day, o.open, o.high, o.low, o.close, o.volume, o.vwap, o.count, o.source, o.known_at, o.revision
    FROM corrections c, jsonb_populate_record(NULL::bars_1d, c.old) o WHERE c.relation = 'bars_1d';

CREATE VIEW splits_versions AS
    SELECT * FROM splits
    UNION ALL
    SELECT o.* FROM corrections c, jsonb_populate_record(NULL::splits, c.old) o WHERE c.relation = 'splits';

CREATE VIEW dividends_versions AS
    SELECT * FROM dividends
    UNION ALL
    SELECT o.* FROM corrections c, jsonb_populate_record(NULL::dividends, c.old) o WHERE c.relation = 'dividends';
