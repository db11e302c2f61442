"""The runtime of the local cloud: replicas, ingress, scaler and PostgreSQL servers that really run on this machine."""
