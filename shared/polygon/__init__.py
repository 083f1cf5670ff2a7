"""Polygon's wire shapes: what the vendor sends, and what we answer in its format."""
