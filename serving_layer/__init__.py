"""Answers: Polygon's REST paths over our bars, and the keys that open them."""
