-- Bars as they are read: prices in USD, not split adjusted, volume in shares, vwap in USD to 4 decimals.
-- The names of the checks are the reasons under which a load quarantines what breaks them (batch_layer/load).

-- What is true of every bar. NaN sorts above every number, so an upper bound refuses it too; numeric with a
-- precision takes no infinity.
CREATE TEMPORARY TABLE bar_rules (
    open   numeric(18, 9),
    high   numeric(18, 9),
    low    numeric(18, 9),
    close  numeric(18, 9),
    volume numeric(18, 6) NOT NULL,
    vwap   numeric(18, 4),
    count  bigint,
    CONSTRAINT prices_all_or_none CHECK (num_nonnulls(open, high, low, close) IN (0, 4)),
    CONSTRAINT price CHECK (
        open > 0 AND open < 1000000000 AND high > 0 AND high < 1000000000
        AND low > 0 AND low < 1000000000 AND close > 0 AND close < 1000000000
    ),
    CONSTRAINT range CHECK (high >= low AND open BETWEEN low AND high AND close BETWEEN low AND high),
    CONSTRAINT volume CHECK (volume >= 0 AND volume < 1000000000000),
    CONSTRAINT vwap CHECK (vwap >= 0 AND vwap < 1000000000),
    CONSTRAINT count CHECK (count >= 0)
);

-- One row a symbol and minute that had trades; t is the minute's start. notional = sum of price x size (USD, exact),
-- so that minutes merge into longer bars. A month is a UTC month.
CREATE TABLE bars_1m (
    sym      text NOT NULL CONSTRAINT sym CHECK (sym <> ''),
    t        timestamptz NOT NULL CONSTRAINT minute CHECK (t = date_trunc('minute', t, 'UTC')),
    LIKE bar_rules INCLUDING CONSTRAINTS,
    notional numeric(38, 15) NOT NULL CONSTRAINT notional CHECK (notional >= 0 AND notional < 1e23),
    source   text NOT NULL,
    known_at timestamptz NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    PRIMARY KEY (sym, t)
) PARTITION BY RANGE (t);

-- One row a symbol and trade date (New York).
CREATE TABLE bars_1d (
    sym      text NOT NULL CONSTRAINT sym CHECK (sym <> ''),
    day      date NOT NULL,
    LIKE bar_rules INCLUDING CONSTRAINTS,
    source   text NOT NULL,
    known_at timestamptz NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    CONSTRAINT day CHECK (day >= '1950-01-01' AND day <= (known_at AT TIME ZONE 'UTC')::date + 366),
    PRIMARY KEY (sym, day)
) PARTITION BY RANGE (day);

-- All symbols of a date lie together when dates were loaded whole.
CREATE INDEX bars_1d_by_day ON bars_1d USING brin (day) WITH (pages_per_range = 16);

-- Bars of several sessions: timeframe 'week', 'month' or '3d', '5d', ... (sessions counted from one anchor); first and
-- last trade date inside, and whether sessions are still to come.
CREATE TABLE bars_nd (
    sym       text NOT NULL CONSTRAINT sym CHECK (sym <> ''),
    timeframe text NOT NULL,
    day       date NOT NULL,
    last_day  date NOT NULL,
    forming   boolean NOT NULL,
    LIKE bar_rules INCLUDING CONSTRAINTS,
    source    text NOT NULL,
    known_at  timestamptz NOT NULL,
    revision  integer NOT NULL DEFAULT 0,
    CONSTRAINT days CHECK (last_day >= day),
    PRIMARY KEY (sym, timeframe, day)
);

DROP TABLE bar_rules;

COMMENT ON COLUMN bars_1d.known_at IS 'when these values were first known; earlier values are in corrections';
COMMENT ON COLUMN bars_1d.revision IS 'how many times the values have changed';
