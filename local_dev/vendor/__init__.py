"""A server that speaks the vendor's protocols (WebSocket trades, REST) over recorded files."""
