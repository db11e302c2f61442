"""Which container apps have yet to prove that they answer: those that a plan makes, and those that never did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chatops.config.schema import Config
from chatops.engine.plan import Action, Plan, Step
from chatops.resources.app import ContainerApp
from chatops.resources.proof import Proof
from chatops.rollout.standing import waits


def with_proofs(plan: Plan, config: Config) -> Plan:
    """Return the plan with a proof of each such app, after the apps that it calls, before names lead to it."""
    proofs = list(_proofs(plan, config))
    before = {proof.resource.parent: proof.address for proof in proofs}
    return replace(plan, steps=(*(_after(step, before.get(step.resource.parent)) for step in plan.steps), *proofs))


def _proofs(plan: Plan, config: Config) -> Iterator[Step]:
    for step in plan.steps:
        app = step.resource
        if not isinstance(app, ContainerApp) or (why := _why(step)) is None:
            continue
        called = (f"app/{name}" for name in config.services[app.name].calls)
        yield Step(Action.CREATE, Proof(app=app, needs=(app.address, *called)), why)


def _why(step: Step) -> str | None:
    if step.action in (Action.CREATE, Action.REPLACE):
        return "its first revision has to pass the gate"
    if step.observed is None or not waits(step.observed.body):
        return None
    latest = step.observed.body["properties"].get("latestRevisionName") or "its first revision"
    return f"{latest} has not passed the gate yet"


def _after(step: Step, proof: str | None) -> Step:
    """What is written into the app itself waits until nobody else writes there."""
    if proof is None:
        return step
    resource: Any = step.resource
    return replace(step, resource=replace(resource, needs=(*resource.needs, proof)))
