-- Who logs in: `api` reads, `loader` writes rows, `migrator` owns the schema; what each may do is in the next file.
--
-- One statement, so that on AWS the database's master can run it before all others through the RDS Data API, which takes
-- one at a time (batch_layer/bootstrap.py): `migrator` may make no roles, and finds them made when it comes here. With
-- the role rds_iam they log in by tokens of IAM and have no passwords. Idle sessions end after a minute: a cluster
-- pauses only when nobody is connected, and a function that sleeps keeps its connection.
DO $$
DECLARE
    login record;
    setting text;
BEGIN
    FOR login IN
        SELECT * FROM (VALUES
            ('api', ARRAY[
                'default_transaction_read_only = on', 'statement_timeout = ''2s''',
                'idle_in_transaction_session_timeout = ''5s''']),
            ('loader', ARRAY['statement_timeout = ''10min''', 'idle_in_transaction_session_timeout = ''5min''']),
            ('migrator', ARRAY['lock_timeout = ''30s''', 'idle_in_transaction_session_timeout = ''30s'''])
        ) AS logins (name, settings)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', login.name);
                FOREACH setting IN ARRAY array_append(login.settings, 'idle_session_timeout = ''60s''') LOOP
                    EXECUTE format('ALTER ROLE %I SET %s', login.name, setting);
                END LOOP;
                IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN
                    EXECUTE format('GRANT rds_iam TO %I', login.name);
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- roles are of all databases of a server: somebody makes them for another one
            END;
        END IF;
    END LOOP;
    IF NOT has_schema_privilege('migrator', 'public', 'CREATE') THEN
        GRANT USAGE, CREATE ON SCHEMA public TO migrator;
    END IF;
END $$;
