"""Where a stack goes: Azure, or this machine. The one place that knows which; everything behind sees a `Cloud`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud, local, real
from chatops.cli import daemon
from chatops.config.schema import Config

Tell = Callable[[str], None]


class Target(Protocol):
    """`billed`: what is made there costs money. `there` is false when nothing can have been made there yet."""

    @property
    def billed(self) -> bool: ...

    @property
    def there(self) -> bool: ...

    def open(self, tell: Tell) -> Cloud: ...

    def leave(self, azure: Azure, tell: Tell) -> None:
        """Clean up after the last stack is down."""


@dataclass(frozen=True)
class OnAzure:
    """The real one."""

    subscription: str
    tenant: str | None
    cloud: str = "public"
    billed: bool = True
    there: bool = True

    def open(self, tell: Tell) -> Cloud:
        return real(self.subscription, self.tenant, self.cloud)

    def leave(self, azure: Azure, tell: Tell) -> None:
        return


@dataclass(frozen=True)
class OnThisMachine:
    """The local cloud: started when it is needed, ended with the last stack."""

    billed: bool = False

    @property
    def there(self) -> bool:
        return daemon.has_world()

    def open(self, tell: Tell) -> Cloud:
        daemon.start(tell)
        return local(daemon.endpoint_file())

    def leave(self, azure: Azure, tell: Tell) -> None:
        if groups := [group.name for group in azure.resources.resource_groups.list()]:
            tell(f"the local cloud runs on: it still holds {', '.join(str(name) for name in groups)}")
            return
        daemon.stop()
        daemon.wipe()
        tell("the local cloud is empty and stopped")


def target_of(config: Config) -> Target:
    """Return where the configuration wants the stack."""
    if config.target == "azure" and config.azure:
        return OnAzure(config.azure.subscription, config.azure.tenant, config.azure.cloud)
    return OnThisMachine()
