"""A made-up market that never closes: every trade is a pure function of a seed and its time."""
