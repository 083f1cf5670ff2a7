"""History that is complete, restartable and settled: fetched, loaded, rebuilt, reconciled."""
