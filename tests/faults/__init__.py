"""Processes killed and inputs broken on purpose: what a user reads afterwards must be the same."""
