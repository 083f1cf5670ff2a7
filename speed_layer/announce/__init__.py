"""New alerts to the topic of signals."""
