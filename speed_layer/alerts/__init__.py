"""Alert rules over trades and closed bars."""
