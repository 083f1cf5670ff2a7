"""API keys as an operator sees them: made, listed, revoked, here or in an AWS account."""
