"""The same platform on one machine: `local_dev` changes endpoints, never logic."""
