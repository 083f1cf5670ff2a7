"""API keys: minted, hashed, checked."""
