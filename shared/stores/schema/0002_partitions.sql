-- Months of bars_1m and bars_1d: made before they are written to, dropped when no longer wanted.

-- Make the missing months that hold [since, through]; how many were made. A month is built beside its table and then
-- attached, which keeps no reader or writer waiting.
CREATE FUNCTION ensure_partitions(parent text, since date, through date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month date := date_trunc('month', since);
    part text;
    made integer := 0;
BEGIN
    IF parent NOT IN ('bars_1m', 'bars_1d') THEN
        RAISE EXCEPTION '% is not partitioned by month', parent;
    END IF;
    WHILE month <= through LOOP
        part := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
        IF to_regclass(part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('condvest partitions'), hashtext(part));
            -- Not made while we waited for the lock: asked of the table itself, for names are remembered.
            IF NOT EXISTS (SELECT FROM pg_class WHERE relname = part AND relnamespace = 'public'::regnamespace) THEN
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', part, parent);
                EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part,
                    first_of_month(parent, month), first_of_month(parent, (month + interval '1 month')::date));
                made := made + 1;
            END IF;
        END IF;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END $$;

-- Drop the months that end before `before`; how many were dropped.
CREATE FUNCTION drop_partitions(parent text, before date) RETURNS integer
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    part regclass;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = parent::regclass
        AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before
    LOOP
        EXECUTE format('DROP TABLE %s', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

-- Where a month begins, as the bound of a partition.
CREATE FUNCTION first_of_month(parent text, month date) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE parent WHEN 'bars_1d' THEN month::text ELSE month || ' 00:00:00+00' END
$$;

-- Who loads is given the right to make months; who reads is not.
REVOKE EXECUTE ON FUNCTION ensure_partitions, drop_partitions FROM PUBLIC;
