"""From desired and observed to a plan, and from a plan to what is there."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest

from chatops.engine import events
from chatops.engine.apply import Outcome, apply
from chatops.engine.graph import in_order
from chatops.engine.plan import Action, Plan, observe, plan_down, plan_up
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.errors import ChatopsError, CloudError


@dataclass
class Shelf:
    """What exists, what was done to it in order, and what goes wrong."""

    bodies: dict[str, Json] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    on_write: dict[str, Event] = field(default_factory=dict)

    def write(self, verb: str, address: str) -> None:
        if address in self.on_write:
            self.on_write[address].set()
        if address in self.failing:
            raise CloudError(f"{verb} {address}", "it refuses")
        self.log.append(f"{verb} {address}")


@dataclass(frozen=True)
class Thing:
    address: str
    fields: tuple[tuple[str, Any], ...] = ()
    needs: tuple[str, ...] = ()
    parent: str | None = None
    goes_with_parent: bool = False
    immutable: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    precious: bool = False
    patience: float = 60.0
    takes: tuple[str, str] | None = None
    marked: bool | None = None

    @property
    def label(self) -> str:
        return f"thing '{self.address}'"

    def body(self, known: Known) -> Json:
        taken = {"taken": known(*self.takes)} if self.takes else {}
        return {**dict(self.fields), **taken}

    def read(self, cloud: Shelf) -> Observed | None:
        cloud.log.append(f"read {self.address}")
        body = cloud.bodies.get(self.address)
        busy = self.address in cloud.busy
        cloud.busy.discard(self.address)
        ours = False if self.address in cloud.foreign else self.marked
        return None if body is None else Observed(body, busy, ours=ours)

    def create(self, cloud: Shelf, body: Any, report: Report) -> None:
        cloud.write("create", self.address)
        cloud.bodies[self.address] = {**body, "id": f"id-of-{self.address}"}

    def update(self, cloud: Shelf, update: Update, report: Report) -> None:
        cloud.write("update", self.address)
        cloud.bodies[self.address] = update.whole

    def delete(self, cloud: Shelf, report: Report) -> None:
        cloud.write("delete", self.address)
        cloud.bodies.pop(self.address, None)


GROUP = Thing("group", (("size", 1),))
VAULT = Thing("vault", needs=("group",), parent="group")
SECRET = Thing("secret", needs=("vault",), parent="vault", goes_with_parent=True)
APP = Thing("app", needs=("group", "secret"), parent="group", takes=("vault", "id"))
STACK = [APP, SECRET, VAULT, GROUP]


def up(
    shelf: Shelf, things: list[Thing] = STACK, stop: Event | None = None
) -> tuple[Plan, Outcome, list[events.Event]]:
    plan = plan_up(things, observe(things, shelf))
    seen: list[events.Event] = []
    return plan, apply(plan, shelf, seen.append, stop or Event()), seen


def actions(plan: Plan) -> dict[str, Action]:
    return {step.address: step.action for step in plan.steps}


def writes(shelf: Shelf) -> list[str]:
    return [entry for entry in shelf.log if not entry.startswith("read")]


def test_needed_things_come_first() -> None:
    assert [thing.address for thing in in_order(STACK)] == ["group", "vault", "secret", "app"]


@pytest.mark.parametrize(
    ("things", "complaint"),
    [
        ([Thing("a", needs=("b",)), Thing("b", needs=("a",))], "need each other"),
        ([Thing("a", needs=("b",))], "needs b"),
    ],
)
def test_impossible_orders_are_refused(things: list[Thing], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        in_order(things)


def test_nothing_is_read_below_what_does_not_exist() -> None:
    shelf = Shelf()
    assert observe(STACK, shelf) == {}
    assert shelf.log == ["read group"]


def test_up_creates_everything_in_order_and_then_nothing() -> None:
    shelf = Shelf()
    plan, outcome, _ = up(shelf)
    assert set(actions(plan).values()) == {Action.CREATE}
    assert writes(shelf) == ["create group", "create vault", "create secret", "create app"]
    assert outcome.complete

    shelf.log.clear()
    plan, _, _ = up(shelf)
    assert plan.work == ()
    assert writes(shelf) == []


def test_outputs_are_unknown_in_the_plan_and_known_when_written() -> None:
    shelf = Shelf()
    plan, _, _ = up(shelf)
    body = next(step for step in plan.steps if step.address == "app").resource
    assert shelf.bodies["app"]["taken"] == "id-of-vault"
    assert body.address == "app"


def test_a_changed_field_is_one_update_with_its_reason() -> None:
    shelf = Shelf()
    up(shelf)
    changed = [Thing("group", (("size", 2),)), VAULT, SECRET, APP]
    plan, _, _ = up(shelf, changed)
    (step,) = plan.work
    assert (step.action, step.address, step.reason) == (Action.UPDATE, "group", "1 field differs")
    assert [(c.path, c.before, c.after) for c in step.changes] == [("size", 1, 2)]


def test_a_change_of_what_is_immutable_is_a_replacement() -> None:
    shelf = Shelf(bodies={"group": {"size": 1}})
    fixed = Thing("group", (("size", 2),), immutable=frozenset({"size"}))
    plan, _, _ = up(shelf, [fixed])
    assert actions(plan) == {"group": Action.REPLACE}
    assert writes(shelf) == ["delete group", "create group"]


def test_what_cannot_be_made_again_is_never_replaced() -> None:
    shelf = Shelf(bodies={"group": {"size": 1}})
    precious = Thing("group", (("size", 2),), immutable=frozenset({"size"}), precious=True)
    with pytest.raises(ChatopsError, match="would lose"):
        up(shelf, [precious])
    assert writes(shelf) == []


def test_what_is_not_ours_is_adopted_in_words_and_never_replaced() -> None:
    shelf = Shelf(bodies={"group": {"size": 1}}, foreign={"group"})
    plan, _, _ = up(shelf, [Thing("group", (("size", 2),))])
    (step,) = plan.work
    assert step.action is Action.UPDATE
    assert step.reason.startswith("exists without this stack's tag: adopted")
    shelf = Shelf(bodies={"group": {"size": 1}}, foreign={"group"})
    with pytest.raises(ChatopsError, match="is not deleted"):
        up(shelf, [Thing("group", (("size", 2),), immutable=frozenset({"size"}))])
    assert writes(shelf) == []


def test_down_spares_what_is_not_ours_with_what_lies_in_it_and_around_it() -> None:
    app = Thing("app", parent="group", needs=("group",), marked=True)
    shelf = Shelf(bodies={name: {} for name in ("group", "vault", "secret", "app")}, foreign={"vault"})
    things = [Thing("group", marked=True), VAULT, SECRET, app]
    plan = plan_down(things, observe(things, shelf))
    assert [step.address for step in plan.steps] == ["app"]
    assert plan.kept == ("thing 'vault'",)


def test_a_failure_skips_its_dependents_and_spares_its_siblings() -> None:
    shelf = Shelf(failing={"vault"})
    other = Thing("other", needs=("group",), parent="group")
    _, outcome, seen = up(shelf, [*STACK, other])
    assert set(outcome.done) == {"group", "other"}
    assert set(outcome.failed) == {"vault"}
    assert set(outcome.skipped) == {"secret", "app"}
    reasons = {event.step.address: event.because for event in seen if isinstance(event, events.Skipped)}
    assert reasons["secret"] == "vault is not done"


def test_a_second_run_goes_on_after_a_failure() -> None:
    shelf = Shelf(failing={"vault"})
    up(shelf)
    shelf.failing.clear()
    plan, outcome, _ = up(shelf)
    assert actions(plan)["group"] is Action.NOOP
    assert outcome.complete
    assert set(shelf.bodies) == {"group", "vault", "secret", "app"}


def test_once_stopped_nothing_new_begins() -> None:
    stop = Event()
    shelf = Shelf(on_write={"group": stop})
    _, outcome, _ = up(shelf, stop=stop)
    assert outcome.done == ["group"]
    assert set(outcome.skipped) == {"vault", "secret", "app"}
    assert not outcome.complete


def test_down_deletes_dependents_first_and_spares_calls_for_what_goes_along() -> None:
    shelf = Shelf()
    up(shelf)
    shelf.log.clear()
    plan = plan_down(STACK, observe(STACK, shelf))
    outcome = apply(plan, shelf, lambda event: None, Event())
    assert outcome.complete
    assert writes(shelf) == ["delete app", "delete vault", "delete group"]


def test_down_can_keep_what_others_still_need() -> None:
    shelf = Shelf()
    up(shelf)
    plan = plan_down(STACK, observe(STACK, shelf), keep=("group",))
    assert apply(plan, shelf, lambda event: None, Event()).complete
    assert writes(shelf)[-2:] == ["delete app", "delete vault"]


def test_down_on_nothing_is_an_empty_plan() -> None:
    assert plan_down(STACK, observe(STACK, Shelf())).work == ()


def test_a_running_operation_is_waited_for_and_then_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatops.engine.apply.SETTLE_SECONDS", 0)
    shelf = Shelf(bodies={"group": {"size": 1}}, busy={"group"})
    plan = plan_up([Thing("group", (("size", 2),))], observe([GROUP], shelf))
    shelf.bodies["group"] = {"size": 2}  # what the running operation makes of it
    outcome = apply(plan, shelf, lambda event: None, Event())
    assert outcome.complete
    assert writes(shelf) == []


def test_an_orphan_is_deleted_last() -> None:
    shelf = Shelf(bodies={"old": {}})
    plan = plan_up([GROUP], observe([GROUP], shelf), [Thing("old")])
    apply(plan, shelf, lambda event: None, Event())
    assert writes(shelf) == ["create group", "delete old"]
