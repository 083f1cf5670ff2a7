"""The tables of PostgreSQL, as ordered files of SQL: NNNN_what.sql (applied by batch_layer/load/migrate.py)."""

from pathlib import Path

FOLDER = Path(__file__).parent
