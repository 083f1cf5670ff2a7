"""Bar engines: parts in, closed windows out."""
