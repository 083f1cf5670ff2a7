"""The front door: API Gateway's rules for a REST API with Lambda proxy integrations, over HTTP on loopback.

Sources: Amazon API Gateway developer guide, "Set up Lambda proxy integrations", "Use API Gateway Lambda authorizers",
"Gateway responses", "Quotas", "Important notes".
"""
