"""The servers, functions and front door that stand in for AWS on one machine."""
