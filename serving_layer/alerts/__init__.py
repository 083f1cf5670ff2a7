"""Rules of alerts, kept for who made them, and what they found."""
