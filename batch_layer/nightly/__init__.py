"""One trade date from fetching to settling: the steps of definition.asl.json, and where each of them runs."""
