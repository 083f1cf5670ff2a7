"""What every layer shares: the meaning of a bar, the contracts between layers, and the edges they talk through."""
