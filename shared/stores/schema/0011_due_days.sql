-- Who loads daily bars notes their dates, and works them in.
GRANT INSERT ON bars_nd_due TO loader;
GRANT EXECUTE ON FUNCTION take_due_days TO loader;
