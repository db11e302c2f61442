"""Which builder: the one that the configuration names, or with `auto` the first that works, and why in one line."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud
from chatops.errors import ChatopsError, NotReachable
from chatops.images.builder import Builder, Report, Target
from chatops.images.context import Context
from chatops.images.docker import DockerBuilder
from chatops.images.engine import Engine, find
from chatops.images.registry import RegistryBuilder

PROCESSES = "the local cloud runs processes here, not containers"
OTHERWISE = "or set images.builder: registry, which needs no Docker"


@dataclass(frozen=True)
class Choice:
    """The builder and the reason for it. `todo`: what to do first, where nothing can be built as things are."""

    builder: Builder
    reason: str
    todo: str | None = None

    @property
    def by_registry(self) -> bool:
        return isinstance(self.builder, RegistryBuilder)


@dataclass(frozen=True)
class NoBuilder:
    """Stands for the builder that was asked for and is not there."""

    reason: str
    todo: str

    def base_digest(self, base: str) -> str | None:
        return None

    def base_name(self, azure: Azure, registry: str, image: str) -> str:
        return image

    def build(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        raise ChatopsError(f"building {target.label}: {self.reason}", hint=self.todo)

    make = build

    def forget(self, azure: Azure, registry: str) -> None:
        """Nothing was built."""


def choose(wanted: str, cloud: Cloud) -> Choice:
    """Return the builder for `images.builder`: docker, registry or auto."""
    match wanted:
        case "registry":
            return Choice(RegistryBuilder(), "the registry builds, as images.builder says")
        case "docker":
            return _docker_or_nothing(cloud)
        case _:
            return _first_that_works(cloud)


def _first_that_works(cloud: Cloud) -> Choice:
    if cloud.runs_processes:
        return Choice(RegistryBuilder(), f"the registry builds: {PROCESSES}")
    try:
        return _docker(find())
    except NotReachable as error:
        return Choice(RegistryBuilder(), f"the registry builds: no Docker engine, {error.cause}")


def _docker_or_nothing(cloud: Cloud) -> Choice:
    if cloud.runs_processes:
        return _nothing(PROCESSES, f"chatops cloud start --runtime docker, {OTHERWISE}")
    try:
        return _docker(find())
    except NotReachable as error:
        return _nothing(error.cause, f"{error.hint}; {OTHERWISE}")


def _docker(engine: Engine) -> Choice:
    return Choice(DockerBuilder(engine), f"{engine} builds")


def _nothing(cause: str, todo: str) -> Choice:
    reason = f"images.builder is docker, but {cause}"
    return Choice(NoBuilder(reason, todo), reason, todo)
