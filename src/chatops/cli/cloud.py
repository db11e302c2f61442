"""`chatops cloud`: the local cloud's own switch: start, stop, look, reset."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chatops.cli import azure_cli, daemon, faults, places, trouble
from chatops.cli.options import Output, OutputFormat, Yes, examples
from chatops.cli.session import confirm, view_of
from chatops.errors import ChatopsError, UsageError

group = typer.Typer(no_args_is_help=True, help="The local cloud: Azure's management API on this machine.")
group.add_typer(faults.group, name="faults")

SHOWN = (
    "arm",
    "active_directory",
    "ca_file",
    "subscription",
    "tenant",
    "proxy",
    "ingress",
    "ingress_tls",
    "dns",
    "runtime",
    "registry",
    "operator_email",
    "client_id",
    "client_secret_file",
)


class Replicas(StrEnum):
    """What replicas of the local cloud are."""

    auto = "auto"
    docker = "docker"
    process = "process"


Latency = Annotated[
    trouble.Latency | None,
    typer.Option(help="How long operations take: as long as their work, or as long as recorded on Azure."),
]
Speed = Annotated[
    float | None,
    typer.Option(min=0.001, max=1e6, help="Divides recorded latencies: 20 makes 5 minutes 15 seconds."),
]
Dns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DOMAIN=PLACE",
        help="Whose name servers a domain is delegated to instead of Azure DNS: a zone file, or HOST:PORT. Repeatable.",
    ),
]
Runtime = Annotated[
    Replicas | None,
    typer.Option(help="What replicas are: containers of a Docker engine, processes, or (auto) the first that can be."),
]
Last = Annotated[int, typer.Option("-n", "--last", min=0, help="Only the last so many; 0 for all.")]


@group.command(
    epilog=examples(
        "chatops cloud start --latency recorded --speed 20", "chatops cloud start --dns example.org=zone.txt"
    )
)
def start(
    latency: Latency = None,
    speed: Speed = None,
    dns: Dns = None,
    runtime: Runtime = None,
    output: OutputFormat = Output.human,
) -> None:
    """Start the local cloud in the background, if it is not running, and print how to reach it.

    A running one takes over what is asked for, but another runtime. All of it stays until the world is deleted;
    `--dns DOMAIN=` takes a delegation back.
    """
    view = view_of(output)
    delegations = dict(delegation(text) for text in dns or ())
    found = daemon.start(view.note, runtime)
    asked = {"latency": latency, "speed": speed}
    if wanted := {name: value for name, value in asked.items() if value is not None}:
        trouble.order(wanted)
    if delegations:
        trouble.delegate(delegations)
    view.record({key: found[key] for key in SHOWN})


@group.command()
def stop(output: OutputFormat = Output.human) -> None:
    """End the local cloud with everything that runs in it. Its world stays for the next start."""
    view_of(output).record({"stopped": daemon.stop()})


@group.command()
def status(output: OutputFormat = Output.human) -> None:
    """Tell whether the local cloud runs, where it answers and where its files lie."""
    found = daemon.endpoint()
    running: dict[str, Any] = {}
    if found:
        ordered = trouble.ordered()
        running = {key: found[key] for key in ("pid", *SHOWN)}
        running |= {"latency": ordered["latency"], "speed": ordered["speed"], "faults": len(ordered["faults"])}
        running |= {"delegated": ", ".join(f"{domain}={place}" for domain, place in trouble.delegated().items())}
    files = {"world": places.world(), "logs": places.logs(), "cache": places.cache()}
    view_of(output).record({"running": found is not None, **running, **files})


@group.command()
def env(output: OutputFormat = Output.human) -> None:
    """Print what other tools, `az` among them, need to reach the local cloud, and nothing but it.

    Variables for a shell: `eval "$(chatops cloud env)"`. Then
    `az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"`
    """
    found = _running()
    variables = {
        "AZURE_SUBSCRIPTION_ID": found["subscription"],
        "AZURE_TENANT_ID": found["tenant"],
        "AZURE_CLIENT_ID": found["client_id"],
        "AZURE_AUTHORITY_HOST": found["active_directory"],
        "AZURE_CONFIG_DIR": str(azure_cli.configure(found)),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "CHATOPS_OPERATOR_EMAIL": found["operator_email"],
        "REQUESTS_CA_BUNDLE": found["ca_file"],
        "SSL_CERT_FILE": found["ca_file"],
        "HTTPS_PROXY": found["proxy"],
        "NO_PROXY": "127.0.0.1",
    }
    view = view_of(output)
    if output is Output.json:
        view.record({**variables, "AZURE_CLIENT_SECRET_FILE": found["client_secret_file"]})
        return
    for name, value in variables.items():
        view.line(f"export {name}={shlex.quote(value)}")
    # the value stays in its file: it is not printed here
    view.line(f'export AZURE_CLIENT_SECRET="$(cat {shlex.quote(found["client_secret_file"])})"')


@group.command()
def calls(last: Last = 0, output: OutputFormat = Output.human) -> None:
    """Print the journal of the calls that the local cloud was sent."""
    journal = places.logs() / "calls.jsonl"
    older = journal.with_name(f"{journal.name}.1")  # what it was when it grew too long
    if not journal.exists():
        raise ChatopsError("there is no journal: the local cloud was never started here", hint="chatops cloud start")
    parts = [part.read_text() for part in (older, journal) if part.exists()]
    rows = [json.loads(line) for part in parts for line in part.splitlines()]
    view_of(output).rows(rows[-last:] if last else rows)


@group.command()
def reset(yes: Yes = False, output: OutputFormat = Output.human) -> None:
    """Stop the local cloud and delete its whole world: every stack, every conversation."""
    if not daemon.has_world():
        view_of(output).line("nothing to reset")
        return
    confirm("Delete every stack of the local cloud, and all conversations?", yes)
    view = view_of(output)
    daemon.stop()
    _end_containers(view.note)
    daemon.wipe()
    view.record({"reset": True})


def delegation(text: str) -> tuple[str, str]:
    """Read DOMAIN=PLACE and make a zone file's path absolute. Raises UsageError for neither file nor address."""
    domain, equals, place = text.partition("=")
    if not domain or not equals:
        raise UsageError(f"--dns {text}: expected DOMAIN=PLACE", hint="for example: --dns example.org=zone.txt")
    if not place or re.fullmatch(r"[\w.]+:\d+", place):
        return domain, place
    if not Path(place).is_file():
        raise UsageError(f"--dns {text}: {place} is neither a zone file nor HOST:PORT")
    return domain, str(Path(place).resolve())


def _end_containers(tell: Callable[[str], None]) -> None:
    """A local cloud that was killed has left its containers behind; one that was stopped has none."""
    from chatops.localcloud.leftovers import end_containers

    if left := end_containers(places.world()):
        tell(left)


def _running() -> dict[str, Any]:
    found = daemon.endpoint()
    if found is None:
        raise ChatopsError("the local cloud is not running", hint="chatops cloud start")
    return found
