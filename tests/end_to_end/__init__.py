"""The platform as a user starts it, read as a user reads it."""
