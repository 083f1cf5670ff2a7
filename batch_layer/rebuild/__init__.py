"""Bars made again from what is stored: longer ones from daily bars."""
