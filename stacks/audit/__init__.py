"""What the synthesised templates grant and keep, as pages that a person has read: docs/rights.md and docs/kept.md."""
