"""The REST API behind API Gateway: one file per route group."""
