"""`chatops images`: what the stack's services run on: list, build, push, and delete what no revision uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from chatops.cli.options import ConfigFile, Output, OutputFormat, Yes
from chatops.cli.session import Session, confirm, open_session
from chatops.engine.plan import Action, Plan, Step, plan_up
from chatops.errors import ChatopsError, UsageError
from chatops.resources.image import Image
from chatops.resources.stored_image import StoredImage, stored_images, users

group = typer.Typer(no_args_is_help=True, help="Images of the stack's services: list, build, push, prune.")

Names = Annotated[list[str] | None, typer.Argument(help="Images by name, like chat-ui. Default: all of the stack.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what would be deleted.")]


@dataclass(frozen=True)
class Held:
    """An image in the registry: whether the YAML file asks for it, and the revisions that use it."""

    stored: StoredImage
    wanted: bool
    used_by: tuple[str, ...]

    @property
    def row(self) -> dict[str, Any]:
        return {
            "image": self.stored.repository,
            "tag": ", ".join(self.stored.tags),
            "MB": round(self.stored.size / 1e6, 1),
            "pushed": self.stored.updated,
            "wanted": "yes" if self.wanted else "",
            "used by": ", ".join(self.used_by),
            "digest": self.stored.digest,
        }


@group.command("ls")
def list_images(config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """List what the registry holds of the stack's images, and the revisions, active or not, that use it."""
    session = open_session(config, output)
    images = _images(session)
    held = list(_held(session, images))
    there = {found.stored.repository for found in held if found.wanted}
    rows = [found.row for found in sorted(held, key=lambda found: (found.stored.repository, found.stored.updated))]
    session.view.rows(rows + [_missing(image) for image in images if image.repository not in there])


@group.command()
def push(names: Names = None, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Build and push the images that the registry lacks. Nothing is deployed."""
    session = open_session(config, output)
    images = _named(_images(session), names)
    if not _has_registry(session):
        raise ChatopsError("the stack's registry is not there yet", hint="chatops up makes it, and pushes the images")
    plan = plan_up(images, session.observe(images))
    session.view.plan(plan)
    if plan.work:
        require_builder(session)
        session.carry_out(plan)


@group.command()
def build(names: Names = None, config: ConfigFile = None, output: OutputFormat = Output.human) -> None:
    """Build with the Docker engine here, without pushing. What is built then need not be built again."""
    session = open_session(config, output)
    images = _named(_images(session), names)
    require_builder(session)
    if session.workshop.choice.by_registry:
        raise UsageError("there is no engine here to build with", hint="chatops images push lets the registry build")
    session.carry_out(Plan(tuple(Step(Action.CREATE, replace(image, pushed=False), "") for image in images)))


@group.command()
def prune(
    config: ConfigFile = None, dry_run: DryRun = False, yes: Yes = False, output: OutputFormat = Output.human
) -> None:
    """Delete images of the stack that no revision uses, active or not, and that the YAML file does not ask for."""
    session = open_session(config, output)
    stale = [held.stored for held in _held(session, _images(session)) if not (held.wanted or held.used_by)]
    plan = Plan(tuple(Step(Action.DELETE, stored, "no revision uses it") for stored in stale))
    session.view.plan(plan)
    if plan.work and not dry_run:
        confirm(f"Delete {'this image' if len(stale) == 1 else f'these {len(stale)} images'}?", yes)
        session.carry_out(plan)


def require_builder(session: Session) -> None:
    """Say who builds images. Raises ChatopsError where nobody is there to."""
    choice = session.workshop.choice
    if choice.todo:
        raise ChatopsError(f"nobody is there to build images: {choice.reason}", hint=choice.todo)
    session.view.note(f"images: {choice.reason}")


def _images(session: Session) -> list[Image]:
    return [resource for resource in session.resources if isinstance(resource, Image)]


def _named(images: list[Image], names: Sequence[str] | None) -> list[Image]:
    """Return the images of these names, and those that they are built on."""
    known = {image.repository: image for image in images}
    if unknown := [name for name in names or () if name not in known]:
        raise UsageError(f"the stack has no image '{unknown[0]}'", hint=f"one of: {', '.join(known)}")
    chosen = {image for name in names or known for image in (name, *known[name].source.below)}
    return [replace(image, needs=_below(image)) for image in images if image.repository in chosen]


def _below(image: Image) -> tuple[str, ...]:
    return tuple(f"image/{name}" for name in image.source.below)


def _has_registry(session: Session) -> bool:
    asked = [resource for resource in session.resources if resource.address in ("group", "registry")]
    return "registry" in session.observe(asked)


def _held(session: Session, images: list[Image]) -> Iterator[Held]:
    if not _has_registry(session):
        return
    used = users(session.azure, session.names.group)
    for image in images:
        for stored in stored_images(session.azure, image.registry, image.repository):
            wanted = any(image.source.is_in(tag) for tag in stored.tags)
            yield Held(stored, wanted, _users_of(stored, used))


def _users_of(stored: StoredImage, used: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    names = (stored.digest, *(f"{stored.repository}:{tag}" for tag in stored.tags))
    return tuple(sorted({revision for name in names for revision in used.get(name, ())}))


def _missing(image: Image) -> dict[str, Any]:
    absent = {"MB": "", "pushed": "not yet", "wanted": "yes", "used by": "", "digest": ""}
    return {"image": image.repository, "tag": image.source.tag, **absent}
