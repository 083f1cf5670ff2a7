"""Bars stream to signals."""
