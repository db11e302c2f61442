"""The composition root: configuration, cloud, stack and view of one command, put together."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import typer

from chatops import stack
from chatops.azure.clients import Azure
from chatops.azure.cloud import Principal
from chatops.cli import places
from chatops.cli.book import book
from chatops.cli.options import Output
from chatops.cli.power import PAUSED, woken
from chatops.cli.proofs import with_proofs
from chatops.cli.signals import stopping_on_signals
from chatops.cli.target import Target, target_of
from chatops.config.load import discover, from_environment, load, require_subscription
from chatops.config.schema import Config
from chatops.cost.change import Bill, Tariff, bill
from chatops.cost.usage import SOME_PEOPLE
from chatops.costing import usage_by_address
from chatops.engine.apply import Outcome, apply
from chatops.engine.plan import Plan, observe, plan_up
from chatops.engine.resource import Observed, Resource
from chatops.errors import ChatopsError, Interrupted, RefusedOffTerminal
from chatops.images.sources import Workshop, sources
from chatops.naming import OWNER_TAG, Names
from chatops.resources import ARM_KINDS, ArmResource, ContainerApp
from chatops.resources.orphan import Orphan
from chatops.resources.power import Power
from chatops.views.protocol import View


def view_of(output: Output) -> View:
    """Return the view that `--output` asks for."""
    if output is Output.json:
        from chatops.views.json import JsonView

        return JsonView()
    from chatops.views.human import HumanView

    return HumanView()


@dataclass
class Session:
    """One command's view of one stack. Nothing is reached before it is used."""

    config: Config
    view: View
    target: Target
    path: Path = field(default=Path("chatops.yaml"))
    dns_seconds: float = 0.0
    """How long to wait for DNS records that somebody else has to type."""

    def require_up(self) -> None:
        """Raise ChatopsError when nothing of the stack can be there, before the cloud is asked (or started)."""
        if not self.target.there:
            raise self.not_up()

    def not_up(self, what: str = "") -> ChatopsError:
        """Return the error of a stack that is not there, or of a part of it."""
        whole = f"stack '{self.config.name}'"
        return ChatopsError(f"{f'{what} of {whole}' if what else whole} is not up", hint="chatops up")

    @cached_property
    def azure(self) -> Azure:
        azure = Azure(self.target.open(self.view.note))
        azure.tell = self.view.note
        return azure

    @cached_property
    def names(self) -> Names:
        return stack.names_of(self.config, self.azure.cloud.subscription)

    @cached_property
    def workshop(self) -> Workshop:
        """Who builds the stack's images."""
        return Workshop(self.config.images.builder, self.config.images.base, self.azure.cloud)

    @cached_property
    def resources(self) -> list[Resource[Any]]:
        return self._made_by(self.azure.operator)

    @cached_property
    def nameable(self) -> list[Resource[Any]]:
        """The resources as far as they are known before anybody has signed in: good for their names."""
        return self._made_by(Principal("", "User", ""))

    def _made_by(self, operator: Principal) -> list[Resource[Any]]:
        cloud = self.azure.cloud
        site = stack.Site(
            subscription=cloud.subscription,
            tenant=cloud.tenant or operator.tenant,
            operator=operator.object_id,
            operator_kind=operator.kind,
            vault_suffix=cloud.vault_suffix,
            registry_suffix=cloud.registry_suffix,
            postgres_domain=cloud.place.postgres_domain,
            images=sources(self.config, self.workshop, places.cache()),
            dns_seconds=self.dns_seconds,
        )
        return stack.resources(self.config, site)

    def observe(self, resources: Sequence[Resource[Any]]) -> dict[str, Observed]:
        return observe(resources, self.azure)

    def plan(self) -> Plan:
        """Read what is there and decide what makes the configuration true."""
        observed = self.observe(self.resources)
        orphans, _ = self.others()
        wanted = woken(self.resources, observed)
        if starts := [one for one in wanted if isinstance(one, Power)]:
            self.view.note(f"{PAUSED}; this starts what is stopped")
            observed |= self.observe(starts)
        return with_proofs(plan_up(wanted, observed, orphans if "group" in observed else []), self.config)

    def bill(self, plan: Plan, part: bool = False) -> Bill:
        """Return what a plan does to the month's cost, with the YAML file's usage.

        A plan of a `part` says nothing of the stack's other resources, but they are there.
        """
        usage = usage_by_address(self.config, SOME_PEOPLE)
        addresses = {step.address for step in plan.steps}
        beside = [resource for resource in self.resources if part and resource.address not in addresses]
        return bill(plan, Tariff(book(), usage, self.config.location, self.target.billed), beside)

    def others(self) -> tuple[list[Orphan], list[str]]:
        """Return what else lies in the group: orphans of this stack, and the names of foreign resources."""
        ours = {resource.id.lower() for resource in self.resources if isinstance(resource, ArmResource)}
        kinds = {kind.type.lower(): kind for kind in ARM_KINDS if kind.orphaned and not kind.goes_with_parent}
        orphans, foreign = [], []
        for item in self.azure.inventory(self.names.group):
            if item["id"].lower() in ours:
                continue
            kind = kinds.get(item["type"].lower())
            if kind and item["tags"].get(OWNER_TAG) == self.config.name:
                name = item["id"].rsplit("/", 1)[-1]
                orphans.append(Orphan(address=f"orphan/{name}", id=item["id"], kind=kind))
            else:
                foreign.append(item["id"].split("/providers/")[-1])
        return orphans, foreign

    def carry_out(self, plan: Plan) -> Outcome:
        """Apply a plan and show how it goes. Raises ChatopsError (exit 1) or Interrupted when it stays incomplete."""
        began = time.monotonic()
        with self.view.applying(plan), stopping_on_signals(self.azure.stop):
            outcome = apply(plan, self.azure, self.view.event, self.azure.stop)
        self.view.outcome(outcome, time.monotonic() - began)
        if outcome.left_running or self.azure.stop.is_set():
            raise Interrupted("interrupted", hint="the same command goes on from here")
        if not outcome.complete:
            raise typer.Exit(1)
        return outcome

    def environment(self) -> Any:
        """Return the body of the container apps environment, None when there is none."""
        found = next(one for one in self.nameable if one.address == "environment").read(self.azure)
        return found.body if found else None

    def app(self, service: str) -> ContainerApp:
        """Return the container app of a service, as the YAML file has it."""
        apps = (one for one in self.resources if isinstance(one, ContainerApp))
        return next(app for app in apps if app.name == service)

    def page_url(self) -> str | None:
        """Return where the external app answers, from its name; None when no service is external."""
        external = next((name for name, service in self.config.services.items() if service.external), None)
        observed = self.app(external).read(self.azure) if external else None
        if observed is None:
            return None
        fqdn = observed.body["properties"]["configuration"].get("ingress", {}).get("fqdn")
        return self.azure.cloud.page_url(fqdn) if fqdn else None


def open_session(config_file: Path | None, output: Output) -> Session:
    """Load the configuration and return a session on it. Raises ConfigError before anything is touched."""
    path = discover(config_file, Path.cwd())
    return session_on(load(path), path, output)


def session_on(config: Config, path: Path, output: Output) -> Session:
    """Return a session on a configuration that was read from `path`. Raises ConfigError."""
    config = from_environment(config, os.environ)
    require_subscription(config, path)
    return Session(config, view_of(output), target_of(config), path)


def confirm(question: str, yes: bool) -> None:
    """Ask, unless told not to.

    Raises RefusedOffTerminal where nobody can answer, ChatopsError on a no, Interrupted on Ctrl-C.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedOffTerminal(f"{question} Nobody is there to answer", hint="--yes answers it")
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        raise Interrupted("nothing was changed") from None
    if not agreed:
        raise ChatopsError("nothing was changed")
