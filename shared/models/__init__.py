"""The nouns of the domain: a trade and the bars made of it."""
