"""New signals to a topic."""
