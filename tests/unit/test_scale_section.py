"""A scale section on its whole way: YAML, the body that Azure gets, and what the local cloud's scaler makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatops.config.document import parse
from chatops.config.load import validate
from chatops.localcloud.control.scale_rules import check_scale, scale_of
from chatops.localcloud.runtime.spec import Cron, Scale, Utilization
from chatops.stack.wiring import scale_of as declared

TEXT = """
services:
  lm-api:
    scale:
      min: 0
      max: 8
      concurrency: 3
      cpu_percent: 70
      memory_percent: 80
      schedule:
        office: {start: 0 8 * * MON-FRI, end: 0 18 * * MON-FRI, timezone: Europe/Berlin, replicas: 2}
"""


def body(text: str) -> Any:
    return declared(validate(parse(text, "chatops.yaml"), Path()).services["lm-api"].scale).body()


def test_every_rule_of_the_file_reaches_the_scaler() -> None:
    section = body(TEXT)
    check_scale(section)
    office = Cron("Europe/Berlin", "0 8 * * MON-FRI", "0 18 * * MON-FRI", 2)
    assert scale_of(section) == Scale(0, 8, 3, 300, 30, (Utilization("cpu", 70), Utilization("memory", 80), office))


def test_without_more_rules_azure_gets_the_one_for_requests() -> None:
    assert [rule["name"] for rule in body("name: chat")["rules"]] == ["http"]
