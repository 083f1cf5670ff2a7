"""History as Parquet files for readers from outside: verified before they count, and named by a manifest."""
