-- What a vendor says of companies; one row each, as last known. Earlier values are in corrections.

-- split_from shares became split_to; day is the first trade date at the new price.
CREATE TABLE splits (
    id         text PRIMARY KEY CONSTRAINT id CHECK (id <> ''),
    sym        text NOT NULL CONSTRAINT sym CHECK (sym <> ''),
    day        date NOT NULL,
    split_from numeric NOT NULL,
    split_to   numeric NOT NULL,
    source     text NOT NULL,
    known_at   timestamptz NOT NULL,
    revision   integer NOT NULL DEFAULT 0,
    CONSTRAINT ratio CHECK (split_from > 0 AND split_from < 'Infinity' AND split_to > 0 AND split_to < 'Infinity')
);
CREATE INDEX splits_by_symbol ON splits (sym, day);

-- cash in currency a share, in the money of its day; day is the ex-dividend date.
CREATE TABLE dividends (
    id        text PRIMARY KEY CONSTRAINT id CHECK (id <> ''),
    sym       text NOT NULL CONSTRAINT sym CHECK (sym <> ''),
    day       date NOT NULL,
    cash      numeric NOT NULL CONSTRAINT cash CHECK (cash >= 0 AND cash < 'Infinity'),
    currency  text NOT NULL,
    kind      text NOT NULL,
    frequency bigint NOT NULL CONSTRAINT frequency CHECK (frequency >= 0),
    declared  date,
    recorded  date,
    paid      date,
    source    text NOT NULL,
    known_at  timestamptz NOT NULL,
    revision  integer NOT NULL DEFAULT 0
);
CREATE INDEX dividends_by_symbol ON dividends (sym, day);

-- One listing a symbol: the active one, else the one that was delisted last.
CREATE TABLE tickers (
    sym              text PRIMARY KEY CONSTRAINT sym CHECK (sym <> ''),
    name             text NOT NULL,
    market           text NOT NULL,
    locale           text NOT NULL,
    exchange         text NOT NULL,
    kind             text NOT NULL,
    active           boolean NOT NULL,
    currency         text NOT NULL,
    cik              text NOT NULL,
    composite_figi   text NOT NULL,
    share_class_figi text NOT NULL,
    updated          timestamptz,
    delisted         timestamptz,
    details          text NOT NULL,
    source           text NOT NULL,
    known_at         timestamptz NOT NULL,
    revision         integer NOT NULL DEFAULT 0
);
