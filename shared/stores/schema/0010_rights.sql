-- What the roles may do with what there is now; a later migration that makes a table gives its rights itself. Nobody may
-- delete. Months need no rights of their own: they are reached through their tables.
DO $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
        AND c.relname <> 'schema_migrations'
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO loader', relation);
        IF relation::text <> 'quarantine' THEN
            EXECUTE format('GRANT SELECT ON %s TO api', relation);
        END IF;
    END LOOP;
END $$;

GRANT INSERT, UPDATE ON bars_1m, bars_1d, bars_nd, splits, dividends, tickers TO loader;
GRANT INSERT ON quarantine, runs TO loader;
GRANT EXECUTE ON FUNCTION ensure_partitions TO loader;
