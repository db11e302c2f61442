"""`chatops logs`: what an app's replicas say, over Azure's own log stream."""

from __future__ import annotations

import threading
from queue import Queue
from typing import Annotated, Any

import typer

from chatops.azure.calls import calling
from chatops.cli.options import ConfigFile, Output, OutputFormat
from chatops.cli.session import Session, open_session
from chatops.config.load import require_service
from chatops.errors import ChatopsError, NotReachable

Service = Annotated[str, typer.Argument(help="A service of the stack, e.g. lm-api.")]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")]
Tail = Annotated[int, typer.Option("-n", "--tail", min=0, max=300, help="Lines of each replica to begin with.")]

CONNECT_SECONDS = 10


def logs(
    service: Service,
    follow: Follow = False,
    tail: Tail = 100,
    config: ConfigFile = None,
    output: OutputFormat = Output.human,
) -> None:
    """Show the last lines of every replica of a service, and follow them if asked to."""
    session = open_session(config, output)
    require_service(session.config, service)
    streams = _streams(session, service) if session.target.there else []
    if not streams:
        raise ChatopsError(f"no replica of '{service}' is running", hint="chatops status")
    _show(session, service, streams, {"follow": str(follow).lower(), "tailLines": str(tail)})


def _streams(session: Session, service: str) -> list[tuple[str, str]]:
    """Return replica name and stream URL of each container."""
    apps, group = session.azure.container_apps, session.names.group
    app = session.app(service).read(session.azure)
    revision = app.body["properties"].get("latestRevisionName") if app else None
    if not revision:
        return []
    with calling("listing replicas of", f"container app '{service}'"):
        replicas = apps.container_apps_revision_replicas.list_replicas(group, service, revision).value
    return [
        (str(replica.name), str(container.log_stream_endpoint))
        for replica in replicas
        for container in (replica.properties.containers if replica.properties else None) or []
    ]


def _show(session: Session, service: str, streams: list[tuple[str, str]], parameters: dict[str, str]) -> None:
    with calling("asking for the log stream of", f"container app '{service}'"):
        answer = session.azure.container_apps.container_apps.get_auth_token(session.names.group, service)
    token = str(answer.properties.token if answer.properties else "")
    lines: Queue[tuple[str, str] | Exception | None] = Queue()
    for stream in streams:
        arguments = (session.azure.cloud.ca_file, stream, token, parameters, lines)
        threading.Thread(target=_read, args=arguments, daemon=True).start()
    ended = 0
    while ended < len(streams):
        line = lines.get()
        if line is None:
            ended += 1
        elif isinstance(line, Exception):
            raise line
        else:
            session.view.log(*line)


def _read(
    ca_file: str | None, stream: tuple[str, str], token: str, parameters: dict[str, str], lines: Queue[Any]
) -> None:
    import requests

    replica, url = stream
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with requests.get(
            url,
            params=parameters,
            headers=headers,
            verify=ca_file or True,
            stream=True,
            timeout=(CONNECT_SECONDS, None),
        ) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines(chunk_size=1):
                lines.put((replica, line.decode(errors="replace")))
    except requests.RequestException as error:
        lines.put(NotReachable(f"reading the log of {replica}", type(error).__name__))
    lines.put(None)
