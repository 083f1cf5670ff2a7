"""Generators of the tables that the product carries; run by hand, checked by tests."""
