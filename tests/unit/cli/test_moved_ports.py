"""What a plan says where a rollout cannot keep a change from an app's users."""

from __future__ import annotations

from typing import Any

import pytest
from contract.stacks import observed_of, resources_of

from chatops.cli.rollouts import moved_ports
from chatops.config.schema import Config
from chatops.engine.plan import plan_up


def config(**ui: Any) -> Config:

    return Config.model_validate({"services": {"ui": {"image": "chat-ui", "external": True, **ui}}})


def test_a_changed_port_is_told_for_it_reaches_what_serves_at_once() -> None:
    plan = plan_up(resources_of(config(port=9000)), observed_of(config(port=8080)))
    (said,) = moved_ports(plan)
    assert said.startswith("container app 'ui': on Azure the port is the app's")
    assert "asked on 9000 instead of 8080" in said


@pytest.mark.parametrize("before", [None, config(port=9000), config(port=9000, cpu=1.0, memory="2Gi")])
def test_nothing_is_said_of_a_new_app_or_another_change(before: Config | None) -> None:
    plan = plan_up(resources_of(config(port=9000)), observed_of(before) if before else {})
    assert list(moved_ports(plan)) == []
