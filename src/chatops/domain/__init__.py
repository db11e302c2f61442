"""Custom domains: which records a host name needs, what the authoritative servers answer, and what is wrong with it."""
