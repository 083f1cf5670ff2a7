"""History loaded once: from one machine (`condvest backfill`), or by month as jobs of AWS Batch."""
