"""What a deployment costs a month, computed from its synthesised templates, a load and dated prices (docs/cost.md)."""
