"""Plans of a part of the stack, and what a replaced parent does to what lies in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.engine.plan import Action, plan_part, plan_up
from chatops.engine.resource import Json, Known, Observed, Report, Update


@dataclass(frozen=True)
class Thing:
    address: str
    size: int = 1
    needs: tuple[str, ...] = ()
    parent: str | None = None
    goes_with_parent: bool = False
    immutable: frozenset[str] = frozenset({"size"})
    exact: frozenset[str] = frozenset()
    precious: bool = False
    patience: float = 1.0

    @property
    def label(self) -> str:
        return self.address

    def body(self, known: Known) -> Json:
        return {"size": self.size, **{need: known(need, "size") for need in self.needs}}

    def read(self, cloud: Any) -> Observed | None:
        raise AssertionError("a plan reads nothing")

    def create(self, cloud: Any, body: Any, report: Report) -> None:
        raise AssertionError("a plan writes nothing")

    def update(self, cloud: Any, update: Update, report: Report) -> None:
        raise AssertionError("a plan writes nothing")

    def delete(self, cloud: Any, report: Report) -> None:
        raise AssertionError("a plan writes nothing")


def actions(steps: Any) -> dict[str, Action]:
    return {step.address: step.action for step in steps}


def test_a_part_is_decided_alone_and_knows_the_rest() -> None:
    app, name, other = Thing("app", 2), Thing("name", needs=("app",)), Thing("other")
    observed = {"app": Observed({"size": 1}), "name": Observed({"size": 1, "app": 1})}
    plan = plan_part([app, name, other], observed, {"name"})
    assert actions(plan.steps) == {"app": Action.NOOP, "name": Action.NOOP}
    assert plan_part([app, name, other], {"app": Observed({"size": 1})}, {"name"}).work[0].action is Action.CREATE


def test_what_goes_with_a_replaced_parent_is_made_again() -> None:
    app, name = Thing("app", 2), Thing("name", needs=("app",), parent="app", goes_with_parent=True)
    observed = {"app": Observed({"size": 1}), "name": Observed({"size": 1, "app": 1})}
    plan = plan_up([app, name], observed)
    assert actions(plan.steps) == {"app": Action.REPLACE, "name": Action.CREATE}
    assert plan.steps[1].reason == "goes with app, which is replaced"
