"""Scale sections: what they mean to the runtime, and what is refused in them."""

import pytest

from chatops.localcloud.control.scale_rules import check_scale, scale_of
from chatops.localcloud.errors import ArmError
from chatops.localcloud.runtime.spec import Cron, Scale, Utilization

HTTP = {"name": "http", "http": {"metadata": {"concurrentRequests": "20"}}}
CPU = {"name": "cpu", "custom": {"type": "cpu", "metadata": {"type": "Utilization", "value": "70"}}}
OFFICE = {"timezone": "Europe/Berlin", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "desiredReplicas": "3"}


def cron(**changes):
    return {"name": "office", "custom": {"type": "cron", "metadata": OFFICE | changes}}


def test_no_rule_is_azures_default_and_any_rule_replaces_it():
    assert scale_of({}) == Scale(0, 10, 10, 300, 30)
    assert scale_of({"rules": [CPU]}).concurrency is None


def test_rules_of_all_kinds():
    section = {"minReplicas": 1, "maxReplicas": 4, "cooldownPeriod": 60, "pollingInterval": 5}
    section["rules"] = [HTTP, CPU, cron()]
    check_scale(section)
    office = Cron("Europe/Berlin", "0 8 * * 1-5", "0 18 * * 1-5", 3)
    assert scale_of(section) == Scale(1, 4, 20, 60, 5, rules=(Utilization("cpu", 70), office))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"http": {}}], "must have a name"),
        ([HTTP, HTTP], "names must be unique"),
        ([{"name": "x"}], "exactly one of http, tcp, custom, azureQueue"),
        ([{**HTTP, "custom": CPU["custom"]}], "exactly one of"),
        ([{"name": "x", "http": {"metadata": {"concurrentRequests": "0"}}}], "'concurrentRequests' must be a whole"),
        ([{"name": "x", "http": {"metadata": {"concurrentRequests": "many"}}}], "not 'many'"),
        ([{"name": "x", "custom": {"type": "cpu", "metadata": {"value": "70"}}}], "'Utilization'"),
        ([{"name": "x", "custom": {"type": "cpu", "metadata": {"type": "Utilization"}}}], "'value' must be"),
        ([{"name": "x", "custom": {"type": "cron", "metadata": {}}}], "must have the metadata 'timezone'"),
        ([cron(timezone="Mars/Olympus")], "'Mars/Olympus' is no time zone"),
        ([cron(timezone="../etc/passwd")], "is no time zone"),
        ([cron(start="every day")], "must be cron expressions"),
        ([cron(end=OFFICE["start"])], "must differ"),
        ([cron(desiredReplicas="-1")], "'desiredReplicas' must be"),
    ],
)
def test_what_azure_refuses(rules, words):
    with pytest.raises(ArmError, match=words) as refused:
        check_scale({"rules": rules})
    assert refused.value.code == "ContainerAppInvalidScaleSpec"


@pytest.mark.parametrize("rule", [{"tcp": {}}, {"azureQueue": {}}, {"custom": {"type": "kafka", "metadata": {}}}])
def test_what_has_no_source_here_is_refused_as_such(rule):
    with pytest.raises(ArmError, match="does not evaluate") as refused:
        check_scale({"rules": [{"name": "x", **rule}]})
    assert refused.value.code == "ContainerAppNotSupportedLocally"
