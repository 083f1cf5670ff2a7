-- The functions of TimescaleDB that queries for bars use, on a plain PostgreSQL: time_bucket, first, last, and
-- time_bucket_gapfill with locf as far as a function can. Where TimescaleDB itself is there, its own are used.
--
-- In hot queries (min(array[extract(epoch FROM t), open]))[2] is three times as quick as first(open, t).

-- The first of the month that begins the bucket, counted from origin's month.
CREATE FUNCTION month_bucket(months integer, ts timestamp, origin timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_trunc('month', origin) + make_interval(months => months * floor(
        ((extract(year FROM ts) - extract(year FROM origin)) * 12 + extract(month FROM ts) - extract(month FROM origin))
        / months)::integer)
$$;

-- Make the aggregate `name`: of two times the one for which `sign` holds.
CREATE PROCEDURE make_time_aggregate(name text, sign text, state text, value_type text, time_type text)
LANGUAGE plpgsql AS $make$
BEGIN
    EXECUTE format($f$
        CREATE FUNCTION %1$s_step(state %3$I, value %4$s, at %5$s) RETURNS %3$I
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
        BEGIN
            IF at %2$s state.at OR (state.at IS NULL AND at IS NOT NULL) THEN
                RETURN ROW(value, at);
            END IF;
            RETURN state;
        END $$ $f$, name, sign, state, value_type, time_type);
    EXECUTE format($f$
        CREATE FUNCTION %1$s_of_two(a %3$I, b %3$I) RETURNS %3$I
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT CASE WHEN b.at %2$s a.at OR a.at IS NULL THEN b ELSE a END
        $$ $f$, name, sign, state);
    EXECUTE format($f$
        CREATE AGGREGATE %1$s(value %4$s, at %5$s) (
            SFUNC = %1$s_step, STYPE = %3$I, COMBINEFUNC = %1$s_of_two, FINALFUNC = value_of, PARALLEL = SAFE
        ) $f$, name, sign, state, value_type, time_type);
END $make$;

DO $shim$
DECLARE
    value_type text;
    time_type text;
    state text;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN;
    END IF;

    -- The start of the bucket that holds ts. Buckets of days and less are counted from an origin, a Monday unless one is
    -- given; those of months from the first of its month. Of both kinds at once there is none.
    CREATE FUNCTION time_bucket(bucket_width interval, ts timestamp, origin timestamp) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE
            WHEN extract(year FROM bucket_width) * 12 + extract(month FROM bucket_width) > 0
                AND bucket_width = make_interval(
                    months => (extract(year FROM bucket_width) * 12 + extract(month FROM bucket_width))::integer)
            THEN month_bucket(
                (extract(year FROM bucket_width) * 12 + extract(month FROM bucket_width))::integer, ts, origin)
            ELSE date_bin(bucket_width, ts, origin)
        END
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts timestamp) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts, timestamp '2000-01-03')
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts timestamp, "offset" interval) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts - "offset") + "offset"
    $$;

    -- Instants are bucketed in UTC.
    CREATE FUNCTION time_bucket(bucket_width interval, ts timestamptz, origin timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts AT TIME ZONE 'UTC', origin AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts timestamptz, "offset" interval) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts AT TIME ZONE 'UTC', "offset") AT TIME ZONE 'UTC'
    $$;

    -- Or in a zone, where a day may have 23 or 25 hours.
    CREATE FUNCTION time_bucket(
        bucket_width interval, ts timestamptz, timezone text,
        origin timestamptz DEFAULT NULL, "offset" interval DEFAULT NULL
    ) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT (time_bucket(
            bucket_width,
            (ts AT TIME ZONE timezone) - coalesce("offset", interval '0'),
            coalesce(origin AT TIME ZONE timezone, timestamp '2000-01-03')
        ) + coalesce("offset", interval '0')) AT TIME ZONE timezone
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts::timestamp)::date
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts date, origin date) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts::timestamp, origin::timestamp)::date
    $$;

    CREATE FUNCTION time_bucket(bucket_width interval, ts date, "offset" interval) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT time_bucket(bucket_width, ts::timestamp, "offset")::date
    $$;

    -- Whole numbers, for time kept as such.
    FOREACH value_type IN ARRAY ARRAY['smallint', 'integer', 'bigint'] LOOP
        EXECUTE format($f$
            CREATE FUNCTION time_bucket(bucket_width %1$s, ts %1$s, "offset" %1$s DEFAULT 0) RETURNS %1$s
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                SELECT (ts - mod(mod(ts - "offset", bucket_width) + bucket_width, bucket_width))::%1$s
            $$ $f$, value_type);
    END LOOP;

    -- A function cannot add rows to a query: this one names the bucket of the rows that are there, so that a query made
    -- for TimescaleDB runs and shows no other buckets. Rows for empty ones come from a join with time_buckets.
    CREATE FUNCTION time_bucket_gapfill(
        bucket_width interval, ts timestamptz, start timestamptz DEFAULT NULL, finish timestamptz DEFAULT NULL
    ) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT time_bucket(bucket_width, ts) $$;

    CREATE FUNCTION time_bucket_gapfill(
        bucket_width interval, ts timestamptz, timezone text,
        start timestamptz DEFAULT NULL, finish timestamptz DEFAULT NULL
    ) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT time_bucket(bucket_width, ts, timezone) $$;

    CREATE FUNCTION time_bucket_gapfill(
        bucket_width interval, ts timestamp, start timestamp DEFAULT NULL, finish timestamp DEFAULT NULL
    ) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT time_bucket(bucket_width, ts) $$;

    CREATE FUNCTION time_bucket_gapfill(
        bucket_width interval, ts date, start date DEFAULT NULL, finish date DEFAULT NULL
    ) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT time_bucket(bucket_width, ts) $$;

    -- Of a bucket that is there: its own value.
    CREATE FUNCTION locf(value anyelement, prev anyelement DEFAULT NULL, treat_null_as_missing boolean DEFAULT false)
    RETURNS anyelement
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE WHEN treat_null_as_missing THEN coalesce(value, prev) ELSE value END
    $$;

    -- first and last: the value at the least and at the greatest time; rows without a time do not count. Dates are taken
    -- as instants, integers as bigint.
    FOREACH value_type IN ARRAY ARRAY['numeric', 'double precision', 'bigint', 'integer', 'text'] LOOP
        FOREACH time_type IN ARRAY ARRAY['timestamptz', 'timestamp', 'bigint'] LOOP
            state := format('at_%s_%s', replace(value_type, ' ', '_'), time_type);
            EXECUTE format('CREATE TYPE %I AS (value %s, at %s)', state, value_type, time_type);
            EXECUTE format(
                'CREATE FUNCTION value_of(state %I) RETURNS %s LANGUAGE sql IMMUTABLE PARALLEL SAFE
                 AS $$ SELECT (state).value $$', state, value_type);
            CALL make_time_aggregate('first', '<', state, value_type, time_type);
            CALL make_time_aggregate('last', '>', state, value_type, time_type);
        END LOOP;
    END LOOP;
END $shim$;

-- The starts of all buckets that lie in or reach into [start, finish), in UTC: what a query joins its own to so that
-- empty ones are rows too. The value before it: last(x, bucket) FILTER (WHERE x IS NOT NULL) OVER (ORDER BY bucket).
CREATE FUNCTION time_buckets(bucket_width interval, start timestamptz, finish timestamptz) RETURNS SETOF timestamptz
LANGUAGE sql STABLE AS $$
    SELECT bucket AT TIME ZONE 'UTC'
    FROM generate_series(
        time_bucket(bucket_width, start AT TIME ZONE 'UTC'),
        finish AT TIME ZONE 'UTC' - interval '1 microsecond', bucket_width) bucket
$$;

DROP PROCEDURE make_time_aggregate;
