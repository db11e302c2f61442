"""What the commands that roll out share: services that are meant, what is known of revisions, what no gate keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from chatops.cli.session import Session
from chatops.config.load import require_service
from chatops.engine.plan import Action, Plan
from chatops.resources.app import ContainerApp


def chosen(session: Session, services: Sequence[str]) -> list[str]:
    """Return the services meant, all of them for none. Raises UsageError for one that is not in the YAML file."""
    for service in services:
        require_service(session.config, service)
    return list(dict.fromkeys(services)) or list(session.config.services)


def apps_of(session: Session, services: Sequence[str]) -> list[ContainerApp]:
    """Return the container apps of these services. Raises ChatopsError when one of them is not up."""
    session.require_up()
    found = [session.app(service) for service in services]
    for app in found:
        if app.place.app(session.azure) is None:
            raise session.not_up(f"'{app.name}'")
    return found


PORT = "properties.configuration.ingress.targetPort"


def moved_ports(plan: Plan) -> Iterator[str]:
    """Say of each app whose ingress port changes that its users notice, which a rollout otherwise spares them.

    https://learn.microsoft.com/azure/container-apps/revisions#application-scope-changes
    """
    for step in plan.work:
        changed = next((change for change in step.changes if change.path == PORT), None)
        if changed and step.action is Action.UPDATE:
            yield (
                f"{step.resource.label}: on Azure the port is the app's, not a revision's: what serves now is asked on "
                f"{changed.after} instead of {changed.before} as soon as the rollout begins, and its users get errors "
                "until the new revision has the traffic; a service of another name beside it would spare them that"
            )


def digest_of(image: str) -> str:
    """The part of an image's reference by which it is told from others: its digest in short, or its tag."""
    _, at, digest = image.partition("@sha256:")
    return digest[:12] if at else image.rpartition(":")[2]


def since(created: str) -> str:
    """An ISO 8601 time to the second, in UTC."""
    moment = datetime.fromisoformat(created)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def row(app: str, revision: Any, note: str) -> dict[str, Any]:
    """One revision for people and programs."""
    return {
        "app": app,
        "revision": revision.name,
        "since": since(revision.created) if revision.created else "",
        "image": digest_of(revision.image),
        "traffic": f"{revision.traffic} %" if revision.active else "",
        "health": revision.health if revision.active else "inactive",
        "replicas": revision.replicas,
        "by": revision.by,
        "note": note,
    }
