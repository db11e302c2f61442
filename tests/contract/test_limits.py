"""What Azure asks of values and its schemas do not say: names, sizes that go in pairs, ranges of subnets, probes.

Names: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
Probes, sizes and scale: https://learn.microsoft.com/azure/container-apps/health-probes, /containers, /scale-app
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from contract.generated import config_of, documents
from contract.sent import Sent
from contract.stacks import write
from hypothesis import HealthCheck, Phase, given, settings

SETTINGS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)

NAMES = {
    "resourceGroups": r"[-\w.()]{0,89}[-\w()]",
    "virtualNetworks": r"[A-Za-z0-9][\w.-]{0,62}[A-Za-z0-9_]",
    "userAssignedIdentities": r"[A-Za-z0-9][\w-]{2,127}",
    "roleAssignments": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "vaults": r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
    "privateDnsZones": r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){1,33}[a-z]{2,63}",
    "virtualNetworkLinks": r"[A-Za-z0-9][\w.-]{0,78}[A-Za-z0-9_]",
    "flexibleServers": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "databases": r"[A-Za-z_][\w-]{0,62}",
    "registries": r"[A-Za-z0-9]{5,50}",
    "workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "managedEnvironments": r"[a-z](?!.*--)[a-z0-9-]{0,58}[a-z0-9]",
    "containerApps": r"[a-z](?!.*--)[a-z0-9-]{0,30}[a-z0-9]",
}
"""Type -> the names that Azure takes."""

DELEGATIONS = {"Microsoft.App/environments": 27, "Microsoft.DBforPostgreSQL/flexibleServers": 28}
"""Service -> the longest prefix of a subnet that it takes."""

PROBES = {
    "failureThreshold": (1, 10),
    "successThreshold": (1, 10),
    "initialDelaySeconds": (0, 60),
    "periodSeconds": (1, 240),
    "timeoutSeconds": (1, 240),
}

MANY_TAGS = 50


@SETTINGS
@given(documents())
def test_names_sizes_and_ranges(document: dict[str, Any]) -> None:
    config = config_of(document)
    sent = [one for one in write(config).sent if ".vault." not in one.url]

    for one in sent:
        _check_name(one)
        tags = one.body.get("tags") or {}
        assert len(tags) <= MANY_TAGS and all(len(str(value)) <= 256 for value in tags.values())
    _check_network(_only(sent, "virtualNetworks"))
    _check_server(_only(sent, "flexibleServers"))
    apps = [one for one in sent if _kind(one) == "containerApps"]
    assert len(apps) == len(config.services)
    for app in apps:
        _check_app(app.body["properties"])


def _kind(one: Sent) -> str:
    return str(one.type).rpartition("/")[2] if "/providers/" in one.url else "resourceGroups"


def _only(sent: list[Sent], kind: str) -> dict[str, Any]:
    (found,) = (one.body["properties"] for one in sent if _kind(one) == kind)
    return dict(found)


def _check_name(one: Sent) -> None:
    assert re.fullmatch(NAMES[_kind(one)], one.name), f"{_kind(one)}: {one.name}"


def _check_network(properties: dict[str, Any]) -> None:
    space = [IPv4Network(prefix) for prefix in properties["addressSpace"]["addressPrefixes"]]
    ranges = []
    for subnet in properties["subnets"]:
        (delegation,) = subnet["properties"]["delegations"]
        range_ = IPv4Network(subnet["properties"]["addressPrefix"])
        assert range_.prefixlen <= DELEGATIONS[delegation["properties"]["serviceName"]]
        assert any(range_.subnet_of(whole) for whole in space)
        ranges.append(range_)
    assert len(ranges) == len(DELEGATIONS)
    assert not any(one.overlaps(other) for one, other in combinations(ranges, 2))


def _check_server(properties: dict[str, Any]) -> None:
    password = properties["administratorLoginPassword"]
    assert 8 <= len(password) <= 128
    assert properties["network"]["delegatedSubnetResourceId"].endswith("/subnets/database")
    assert properties["network"]["privateDnsZoneArmResourceId"].endswith(".postgres.database.azure.com")


def _check_app(properties: dict[str, Any]) -> None:
    template, configuration = properties["template"], properties["configuration"]
    scale = template["scale"]
    assert 0 <= scale["minReplicas"] <= scale["maxReplicas"] <= 1000
    assert scale["maxReplicas"] >= 1 and scale["cooldownPeriod"] > 0 and scale["pollingInterval"] > 0
    assert 0 <= template["terminationGracePeriodSeconds"] <= 600
    assert all(int(rule["http"]["metadata"]["concurrentRequests"]) > 0 for rule in scale["rules"])
    (container,) = template["containers"]
    cpu, memory = container["resources"]["cpu"], container["resources"]["memory"]
    assert cpu in [quarter / 4 for quarter in range(1, 17)] and memory == f"{2 * cpu:g}Gi"
    secrets = {secret["name"] for secret in configuration.get("secrets", [])}
    assert {env["secretRef"] for env in container["env"] if "secretRef" in env} <= secrets
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,251}[a-z0-9]", name) for name in secrets)
    assert 1 <= configuration["ingress"]["targetPort"] <= 65535
    for probe in container["probes"]:
        assert all(low <= probe.get(name, low) <= high for name, (low, high) in PROBES.items()), probe
        assert probe["type"] == "Readiness" or probe.get("successThreshold", 1) == 1
