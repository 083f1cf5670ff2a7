"""The bar engine as one Flink SQL job: bars.sql is what it computes, the other files say where it reads and writes."""
