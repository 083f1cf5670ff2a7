"""The stacks for people who do not use the CDK."""
