"""The bar engine as one Flink SQL job: `bars.sql` is what it computes, the other SQL files say where it reads and writes."""
