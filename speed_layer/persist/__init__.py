"""Bars stream to the bars table."""
