"""The only writer: carries a plan out, in parallel where nothing depends on it, and tells what happens as events."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Any

from chatops.engine.diff import merge, restrict
from chatops.engine.events import Event, Failed, LeftRunning, Progress, Skipped, Started, Succeeded
from chatops.engine.plan import Action, Plan, Step, decide
from chatops.engine.resource import Json, Known, Observed, Resource, Update
from chatops.errors import ChatopsError, CloudError, Interrupted, OperationFailed

WRITERS = 10
SETTLE_SECONDS = 2.0
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt at a write that failed for the moment."""
LONGEST_PAUSE = 60.0


@dataclass
class Outcome:
    """How a plan ended: addresses by fate, and the bodies that are there now."""

    done: list[str] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    left_running: list[str] = field(default_factory=list)
    bodies: dict[str, Json] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not (self.failed or self.skipped or self.left_running)


def apply(plan: Plan, cloud: Any, emit: Callable[[Event], None], stop: Flag) -> Outcome:
    """Carry out `plan`. Once `stop` is set nothing new begins; resources are expected to watch the same flag.

    A failed resource fails its dependents as skipped; its independent siblings finish. Raises ChatopsError before any
    write when the plan would replace what can't be made again or is not the stack's.
    """
    _refuse_precious(plan)
    return _Run(plan, cloud, emit, stop).run()


def _refuse_precious(plan: Plan) -> None:
    for step in plan.work:
        if step.action is Action.REPLACE and step.observed and step.observed.ours is False:
            raise ChatopsError(
                f"changing {step.resource.label}: {step.reason}, and what is not the stack's is not deleted",
                hint="delete it yourself, or give the stack another name",
            )
        if step.action is Action.REPLACE and step.resource.precious:
            raise ChatopsError(
                f"changing {step.resource.label}: {step.reason}, and replacing it would lose what it holds",
                hint=f"give {step.changes[0].path} its old value back, or take the stack down first",
            )


def _update(resource: Resource[Any], body: Json, observed: Json) -> Update:
    whole = merge(body, observed, resource.exact)
    # where nothing differs all of it is said again: that is what starts a failed operation anew
    return Update(whole, restrict(body, observed, whole, resource.exact) or body)


class _Run:
    """One application of one plan; all of its state lives in the main thread but `bodies`, which writers fill in."""

    def __init__(self, plan: Plan, cloud: Any, emit: Callable[[Event], None], stop: Flag) -> None:
        self.cloud, self.emit, self.stop = cloud, emit, stop
        self.waiting = {step.address: step for step in plan.work}
        self.before = {address: self._prerequisites(step) for address, step in self.waiting.items()}
        self.outcome = Outcome()
        self.outcome.bodies.update(
            {
                s.address: s.observed.body
                for s in plan.steps
                if s.observed and s.observed.exists and s.action is not Action.DELETE
            }
        )

    def _prerequisites(self, step: Step) -> set[str]:
        if step.action is not Action.DELETE:
            return {need for need in step.resource.needs if need in self.waiting}
        if self._goes_along(step):
            return {step.resource.parent or ""}
        others = [other for other in self.waiting.values() if other is not step]
        return {
            other.address
            for other in others
            if other.action is not Action.DELETE
            or (step.address in other.resource.needs and not self._goes_along(other))
        }

    def _goes_along(self, step: Step) -> bool:
        parent = self.waiting.get(step.resource.parent or "")
        return step.resource.goes_with_parent and parent is not None and parent.action is Action.DELETE

    def run(self) -> Outcome:
        running: dict[Future[None], tuple[Step, float]] = {}
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="apply") as pool:
            while self.waiting or running:
                for step in self._ready():
                    self.emit(Started(step))
                    running[pool.submit(self._write, step, time.monotonic())] = (step, time.monotonic())
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._settle(future, *running.pop(future))
        self._skip_rest()
        return self.outcome

    def _ready(self) -> list[Step]:
        if self.stop.is_set():
            return []
        done = set(self.outcome.done)
        ready = [step for address, step in self.waiting.items() if self.before[address] <= done]
        for step in ready:
            del self.waiting[step.address]
        return ready

    def _settle(self, future: Future[None], step: Step, began: float) -> None:
        seconds = time.monotonic() - began
        try:
            future.result()
        except Interrupted:
            self.outcome.left_running.append(step.address)
            self.emit(LeftRunning(step, seconds))
        except ChatopsError as error:
            self.outcome.failed[step.address] = error
            self.emit(Failed(step, seconds, error))
        else:
            self.outcome.done.append(step.address)
            self.emit(Succeeded(step, seconds))

    def _skip_rest(self) -> None:
        for address, step in self.waiting.items():
            missing = sorted(self.before[address] - set(self.outcome.done))
            self.outcome.skipped.append(address)
            self.emit(Skipped(step, "interrupted" if self.stop.is_set() else f"{missing[0]} is not done"))

    def _write(self, step: Step, began: float) -> None:
        def report(message: str) -> None:
            self.emit(Progress(step, message, time.monotonic() - began))

        for pause in PAUSES:
            try:
                self._attempt(step, report)
                return
            except CloudError as error:
                pause = max(pause, error.retry_after or 0.0)
                if not error.passing or pause > LONGEST_PAUSE:
                    raise
                report(f"{error.cause}; looking again in {pause:.0f} s")
            if self.stop.wait(pause):
                raise Interrupted("interrupted between two attempts")
            step = self._looked_at_again(step)
        self._attempt(step, report)

    def _looked_at_again(self, step: Step) -> Step:
        """Read back what an unanswered write may have done, so that nothing is sent that is not still needed."""
        observed = step.resource.read(self.cloud)
        if step.action is Action.DELETE:
            return replace(step, action=Action.NOOP if observed is None else Action.DELETE, observed=observed)
        return self._decided(step, observed)

    def _attempt(self, step: Step, report: Callable[[str], None]) -> None:
        if step.action is Action.DELETE:
            if not self._parent_gone(step):
                step.resource.delete(self.cloud, report)
            return
        step = self._settled(step, report)
        body = step.resource.body(Known(self.outcome.bodies))
        if step.action is Action.REPLACE:
            step.resource.delete(self.cloud, report)
        if step.action is Action.UPDATE and step.observed:
            step.resource.update(self.cloud, _update(step.resource, body, step.observed.body), report)
        elif step.action is not Action.NOOP:
            step.resource.create(self.cloud, body, report)
        if (observed := step.resource.read(self.cloud)) is not None:
            self.outcome.bodies[step.address] = observed.body
            if observed.broken:
                raise OperationFailed(
                    f"writing {step.resource.label}",
                    "Azure took the call, but the resource's state is now Failed",
                    hint="its activity log in the portal says why; the same command tries again",
                )

    def _parent_gone(self, step: Step) -> bool:
        return step.resource.goes_with_parent and step.resource.parent in self.outcome.done

    def _settled(self, step: Step, report: Callable[[str], None]) -> Step:
        """Wait for an operation that runs already, then decide again with what is known by now."""
        observed = step.observed
        deadline = time.monotonic() + step.resource.patience
        while observed is not None and observed.busy:
            report("waiting for the operation that is running on it")
            if self.stop.wait(SETTLE_SECONDS):
                raise Interrupted("stopped waiting; the operation goes on")
            if time.monotonic() > deadline:
                raise OperationFailed(
                    f"waiting for {step.resource.label}",
                    f"the operation that runs on it did not end within {step.resource.patience:.0f} s",
                    hint="see its activity log in the portal; when it has ended, run the same command again",
                )
            observed = step.resource.read(self.cloud)
        if step.action is Action.CREATE and observed is step.observed:
            return step
        return self._decided(step, observed)

    def _decided(self, step: Step, observed: Observed | None) -> Step:
        """Decide again by what is there now. Raises ChatopsError where that would delete what the plan did not."""
        decided = decide(step.resource, observed, Known(self.outcome.bodies))
        if decided.action is Action.REPLACE and step.action is not Action.REPLACE:
            raise ChatopsError(
                f"changing {step.resource.label}: {decided.reason}, which was not so when it was planned",
                hint="see what is there with `chatops plan`",
            )
        return decided
