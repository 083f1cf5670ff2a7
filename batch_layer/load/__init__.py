"""Rows of history into PostgreSQL: exactly once a unit, corrections kept, what breaks a rule set aside."""
