"""Live push: Polygon's WebSocket over our own streams."""
