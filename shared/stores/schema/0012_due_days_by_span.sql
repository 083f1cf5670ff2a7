-- What is due is worked in by spans of days, so that years of it fit into transactions of minutes.
DROP FUNCTION take_due_days();

-- Take out the earliest dates that are due: all within `days` calendar days of the first.
CREATE FUNCTION take_due_days(days integer) RETURNS SETOF date
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH taken AS (DELETE FROM bars_nd_due WHERE day < (SELECT min(day) + days FROM bars_nd_due) RETURNING day)
    SELECT DISTINCT day FROM taken ORDER BY day
$$;
REVOKE EXECUTE ON FUNCTION take_due_days FROM PUBLIC;
GRANT EXECUTE ON FUNCTION take_due_days TO loader;
