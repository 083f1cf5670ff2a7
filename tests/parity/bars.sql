-- The bars that a set of recorded trades must give, written apart from the product.
-- From the caller: variables `files` (Polygon JSON lines, gzip) and `conditions` (Polygon's list of conditions), and the
-- table `sessions` (trade_date, day_start, regular_open, regular_close: Unix ms).

-- 1. Lines, in file order. JSON numbers are taken as text: a DOUBLE would lose digits.
CREATE TABLE lines AS
SELECT row_number() OVER () AS line_number, line
FROM read_csv(getvariable('files'), columns = {'line': 'VARCHAR'}, header = false, auto_detect = false, delim = '\x1f',
              quote = '', escape = '', max_line_size = 10000000);

CREATE MACRO unquoted(json_line) AS regexp_replace(json_line, ':\s*"(\\.|[^"\\])*"', ':""', 'g');
CREATE MACRO number_text(json_line, name) AS
    nullif(regexp_extract(unquoted(json_line), '"' || name || '":\s*([-+.0-9eE]+)', 1), '');
CREATE MACRO scaled_price(number) AS replace(number::DECIMAL(38, 9)::VARCHAR, '.', '')::HUGEINT;
CREATE MACRO scaled_size(number) AS replace(number::DECIMAL(38, 6)::VARCHAR, '.', '')::HUGEINT;

-- 2. Trades with their trade date; the first of one identity wins.
CREATE TABLE trades AS
WITH read AS (
    SELECT line_number,
           line ->> '$.sym'                                       AS sym,
           (line ->> '$.t')::BIGINT                               AS t,
           coalesce((line ->> '$.q')::BIGINT, 0)                  AS q,
           (line ->> '$.x')::INTEGER                              AS x,
           coalesce((line ->> '$.trfi')::INTEGER, 0)              AS trfi,
           line ->> '$.i'                                         AS i,
           scaled_price(number_text(line, 'p'))                   AS price,     -- 10^-9 USD
           scaled_size(coalesce(line ->> '$.ds', number_text(line, 's'))) AS size,  -- 10^-6 share; `ds` is exact
           coalesce(list_sort((line -> '$.c')::INTEGER[]), [])    AS conditions
    FROM lines
)
SELECT read.*, trade_date, t >= regular_open AND t < regular_close AS regular,
       row_number() OVER (PARTITION BY sym, trade_date, x, trfi, i ORDER BY line_number) AS copy
FROM read ASOF JOIN sessions ON t >= day_start;

-- 3. What a list of conditions lets a trade update: one "false" vetoes. An id that is unknown, or has no rules, gives
-- volume only. Outside the regular session 12 and 13 do not count.
CREATE TABLE rules AS
SELECT id, coalesce(rule.updates_open_close, false) AS open_close, coalesce(rule.updates_high_low, false) AS high_low,
       coalesce(rule.updates_volume, true) AS volume
FROM (SELECT result.id AS id, result.update_rules.consolidated AS rule
      FROM (SELECT unnest(results) AS result
            FROM read_json(getvariable('conditions'), columns = {'results': 'STRUCT(id INTEGER, update_rules STRUCT(
                consolidated STRUCT(updates_open_close BOOLEAN, updates_high_low BOOLEAN, updates_volume BOOLEAN)))[]'})));

CREATE TABLE effects AS
WITH kinds AS (SELECT DISTINCT conditions, regular FROM trades),
     counted AS (SELECT conditions, regular,
                        unnest(list_filter(conditions, lambda id: regular OR id NOT IN (12, 13))) AS id FROM kinds)
SELECT kinds.conditions, kinds.regular,
       coalesce(bool_and(coalesce(open_close, false)) FILTER (counted.id IS NOT NULL), true) AS open_close,
       coalesce(bool_and(coalesce(high_low, false)) FILTER (counted.id IS NOT NULL), true)   AS high_low,
       coalesce(bool_and(coalesce(volume, true)) FILTER (counted.id IS NOT NULL), true)      AS volume
FROM kinds
LEFT JOIN counted ON counted.conditions = kinds.conditions AND counted.regular = kinds.regular
LEFT JOIN rules ON rules.id = counted.id
GROUP BY ALL;

CREATE TABLE counted AS
SELECT sym, t, q, price, size, trade_date, open_close, high_low, volume
FROM trades JOIN effects USING (conditions, regular) WHERE copy = 1;

-- 4. Bars of any width. Windows: start included, end excluded. VWAP: half-even to 4 decimals, in 10^-4 USD.
CREATE MACRO half_even(quotient, rest, divisor) AS
    quotient + CASE WHEN 2 * rest > divisor OR (2 * rest = divisor AND quotient % 2 = 1) THEN 1 ELSE 0 END;

CREATE MACRO bars(symbol, width, anchor, since, until) AS TABLE
WITH summed AS (
    SELECT anchor + (t - anchor) // width * width                         AS t,
           min({'t': t, 'q': q, 'price': price}) FILTER (open_close)      AS first_trade,
           max({'t': t, 'q': q, 'price': price}) FILTER (open_close)      AS last_trade,
           max(price) FILTER (high_low)                                   AS high,
           min(price) FILTER (high_low)                                   AS low,
           coalesce(sum(size) FILTER (volume), 0)::HUGEINT                AS shares,      -- 10^-6 share
           coalesce(sum(price * size) FILTER (volume), 0)::HUGEINT        AS notional,    -- 10^-15 USD
           count(*) FILTER (volume)                                       AS trades
    FROM counted
    WHERE sym = symbol AND t >= since AND t < until
    GROUP BY 1
)
SELECT t, first_trade.price AS open, high, low, last_trade.price AS close, shares, trades,
       CASE WHEN shares > 0
            THEN half_even(notional // (shares * 100000), notional % (shares * 100000), shares * 100000) END AS vwap
FROM summed WHERE first_trade IS NOT NULL ORDER BY t;
