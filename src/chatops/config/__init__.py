"""The YAML file: its schema, how it is read, and what there is to say about it."""

from chatops.config.load import discover, load, require_subscription
from chatops.config.schema import Config

__all__ = ["Config", "discover", "load", "require_subscription"]
