"""The session clock: each morning, when the day's session has the ingester and Flink started and stopped."""
