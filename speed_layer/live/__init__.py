"""Late parts: what the engine can no longer count."""
