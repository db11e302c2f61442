"""Which apps a plan has prove themselves: those that it makes, those that never did, and nobody else."""

from __future__ import annotations

from dataclasses import replace

from contract.stacks import observed_of, resources_of

from chatops.cli.proofs import with_proofs
from chatops.config.bundled import config_file
from chatops.config.load import load
from chatops.config.schema import Config
from chatops.engine.plan import Plan, plan_up
from chatops.engine.resource import Observed
from chatops.rollout.first import waiting


def plan(config: Config, observed: dict[str, Observed]) -> Plan:
    return with_proofs(plan_up(resources_of(config), observed), config)


def proofs(plan: Plan) -> dict[str, tuple[str, ...]]:
    """What each proof comes after."""
    return {step.address: step.resource.needs for step in plan.work if step.address.startswith("proven/")}


def test_a_new_app_proves_itself_after_those_that_it_calls() -> None:
    config = Config()
    assert proofs(plan(config, {})) == {
        "proven/ui": ("app/ui", "app/db-api", "app/lm-api"),
        "proven/db-api": ("app/db-api",),
        "proven/lm-api": ("app/lm-api",),
    }


def test_what_is_up_has_nothing_to_prove() -> None:
    config = Config()
    assert plan(config, observed_of(config)).work == ()


def test_an_app_that_was_made_and_never_passed_proves_itself_now() -> None:
    config = Config()
    observed = observed_of(config)
    found = observed["app/ui"]
    observed["app/ui"] = replace(found, body=waiting(found.body))
    (step,) = plan(config, observed).work
    assert (step.address, step.reason.partition(" has ")[2]) == ("proven/ui", "not passed the gate yet")


def test_a_domain_leads_to_an_app_that_has_proved_itself() -> None:
    config = load(config_file("domain"))
    needs = {step.address: step.resource.needs for step in plan(config, {}).steps}
    (name,) = config.domain
    for step in ("hostname", "binding"):
        assert "proven/ui" in needs[f"{step}/{name}"]
