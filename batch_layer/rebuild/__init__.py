"""Bars made again from what is stored: minutes from the raw log, longer ones from daily bars."""
