"""From a configuration to the resources of a chat stack. `poster` is the architecture, the others are its details."""

from chatops.stack.poster import resources
from chatops.stack.site import Site, names_of

__all__ = ["Site", "names_of", "resources"]
