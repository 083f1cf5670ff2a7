"""One meaning, several runtimes, one oracle: every engine against an independent reference in SQL."""
