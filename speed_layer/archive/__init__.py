"""Trades stream to the raw log."""
