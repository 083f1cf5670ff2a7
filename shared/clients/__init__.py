"""Connections to the world outside, each with a time budget."""
