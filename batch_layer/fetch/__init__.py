"""The vendor's history: what to ask for, asking for it, and what the answers say."""
