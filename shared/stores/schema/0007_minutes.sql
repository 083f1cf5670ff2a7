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

-- Which transaction recorded a correction: who works them in asks for what was not yet committed when he last looked.
ALTER TABLE corrections ADD COLUMN tx xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX corrections_by_transaction ON corrections (tx);
