"""Where things run: streams, tables, functions, permissions. Handler code is named by path, never imported."""
