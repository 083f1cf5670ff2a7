"""Now: ingest, the bar engine, and the handlers on the streams."""
