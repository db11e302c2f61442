"""The data planes of the local cloud: what Azure serves beside its management API."""
