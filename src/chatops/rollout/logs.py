"""The last lines that a revision's replicas wrote, over Azure's log stream."""

from __future__ import annotations

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.errors import CloudError
from chatops.rollout.revisions import Place

LINES = 12
SECONDS = 10


def last_lines(azure: Azure, place: Place, revision: str) -> tuple[str, ...]:
    """What the first replica said last, without times; () where nothing can be read, for this only adds to an error."""
    import requests

    try:
        with calling("reading the log of", f"revision '{revision}'"):
            apps = azure.container_apps
            replicas = apps.container_apps_revision_replicas.list_replicas(place.group, place.name, revision).value
            streams = [
                container.log_stream_endpoint
                for replica in replicas
                for container in (replica.properties.containers if replica.properties else None) or []
            ]
            answer = apps.container_apps.get_auth_token(place.group, place.name) if streams else None
    except CloudError:
        return ()
    if answer is None or answer.properties is None:
        return ()
    try:
        said = requests.get(
            str(streams[0]),
            params={"follow": "false", "tailLines": str(LINES)},
            headers={"Authorization": f"Bearer {answer.properties.token}"},
            verify=azure.cloud.ca_file or True,
            timeout=SECONDS,
        )
        said.raise_for_status()
    except requests.RequestException:
        return ()
    return tuple(line.partition(" ")[2] for line in said.text.splitlines())[-LINES:]
