"""The socket to the stream: one process that owns the vendor connection."""
