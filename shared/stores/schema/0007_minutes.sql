-- Minutes of the batch view: read back exactly, also as they were known earlier; bars of several sessions, kept up.

-- The partial bar as it travels (shared/frames.py), exact: the other columns are its presentation. Null where a source
-- gave the bar alone.
ALTER TABLE bars_1m ADD COLUMN partial text;
ALTER TABLE bars_1m ALTER COLUMN notional DROP NOT NULL;

-- Every version of a minute that there was, as bars_1d_versions; day: its trade date in New York.
CREATE VIEW bars_1m_versions AS
    SELECT sym, (t AT TIME ZONE 'America/New_York')::date AS day, t, open, high, low, close, volume, vwap, count,
        notional, partial, source, known_at, revision
    FROM bars_1m
    UNION ALL
    SELECT c.sym, c.day, o.t, o.open, o.high, o.low, o.close, o.volume, o.vwap, o.count,
        o.notional, o.partial, o.source, o.known_at, o.revision
    FROM corrections c, jsonb_populate_record(NULL::bars_1m, c.old) o WHERE c.relation = 'bars_1m';

-- Groups that sessions are still to come of.
CREATE INDEX bars_nd_forming ON bars_nd (last_day) WHERE forming;

-- Dates of which bars_1d has changed and bars_nd does not know yet. Written with the change, taken out with what came of
-- it; a date stands here as often as it has changed.
CREATE TABLE bars_nd_due (
    id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day date NOT NULL
);
INSERT INTO bars_nd_due (day) SELECT DISTINCT day FROM bars_1d;

-- Take out what is due: whoever works it in may, though it may delete nothing else.
CREATE FUNCTION take_due_days() RETURNS SETOF date
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH taken AS (DELETE FROM bars_nd_due RETURNING day) SELECT DISTINCT day FROM taken ORDER BY day
$$;
REVOKE EXECUTE ON FUNCTION take_due_days FROM PUBLIC;
