"""Where data rests: tables, the lake, the cache, and the read that joins them."""
