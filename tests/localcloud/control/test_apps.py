"""Container apps that really run: revisions, secrets by reference, refusals, failures, replicas and their logs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.keyvault import KeyVaultManagementClient

from ..conftest import LOCATION, code_of, wait_for
from .conftest import Stack


@pytest.fixture
def name(stack: Stack, request: pytest.FixtureRequest) -> Any:
    """An app name of the test's own; the app is removed in the end."""
    name = "app-" + str(abs(hash(request.node.name)))[:12]
    yield name
    stack.client.container_apps.begin_delete(stack.group, name).result()


def test_an_app_answers_and_changes_by_revision(stack: Stack, name: str) -> None:
    made = stack.put(name, stack.body(GREETING="one"))
    properties = made.properties
    assert properties.provisioning_state == "Succeeded"
    assert properties.configuration.ingress.fqdn == f"{name}.{stack.environment.properties.default_domain}"
    assert properties.latest_revision_name == properties.latest_ready_revision_name
    assert stack.ask(made).json()["GREETING"] == "one"
    changed = stack.put(name, stack.body(GREETING="two"))
    assert changed.properties.latest_revision_name != properties.latest_revision_name
    assert stack.ask(changed).json()["CONTAINER_APP_REVISION"] == changed.properties.latest_revision_name
    same = stack.put(name, stack.body(GREETING="two"))
    assert same.properties.latest_revision_name == changed.properties.latest_revision_name
    revisions = {
        one.name: one.properties for one in stack.client.container_apps_revisions.list_revisions(stack.group, name)
    }
    assert {key: value.active for key, value in revisions.items()} == {
        properties.latest_revision_name: False,
        changed.properties.latest_revision_name: True,
    }


def test_a_patch_merges(stack: Stack, name: str) -> None:
    stack.put(name, stack.body(GREETING="kept"))
    patch = {"location": LOCATION, "properties": {"template": {"scale": {"maxReplicas": 5}}}}
    stack.client.container_apps.begin_update(stack.group, name, patch).result()
    found = stack.client.container_apps.get(stack.group, name)
    assert (found.properties.template.scale.max_replicas, found.properties.template.scale.min_replicas) == (5, 1)
    assert stack.ask(found).json()["GREETING"] == "kept"


def test_an_internal_app_has_an_internal_name(stack: Stack, name: str) -> None:
    body = stack.body()
    body["properties"]["configuration"]["ingress"]["external"] = False
    made = stack.put(name, body)
    fqdn = made.properties.configuration.ingress.fqdn
    assert fqdn == f"{name}.internal.{stack.environment.properties.default_domain}"
    assert stack.ask(made).status_code == 404


def test_a_broken_revision_fails_and_the_old_one_serves_on(stack: Stack, name: str) -> None:
    first = stack.put(name, stack.body(GREETING="old"))
    broken = stack.body(GREETING="new", GATE="/never/opened")
    broken["properties"]["template"]["containers"][0]["probes"].append(
        {"type": "Startup", "httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "failureThreshold": 1}
    )
    with pytest.raises(HttpResponseError) as caught:
        stack.put(name, broken)
    assert code_of(caught.value) == "ContainerAppOperationError"
    found = stack.client.container_apps.get(stack.group, name)
    assert found.properties.provisioning_state == "Failed"
    assert found.properties.latest_ready_revision_name == first.properties.latest_revision_name
    assert found.properties.latest_revision_name != first.properties.latest_revision_name
    assert stack.ask(found).json()["GREETING"] == "old"


def test_a_second_write_has_to_wait(stack: Stack, name: str, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = stack.client.container_apps.begin_create_or_update(stack.group, name, stack.body(GATE=str(gate)))
    with pytest.raises(ResourceExistsError) as caught:
        stack.client.container_apps.begin_create_or_update(stack.group, name, stack.body())
    assert code_of(caught.value) == "ContainerAppOperationInProgress"
    gate.touch()
    assert running.result().properties.provisioning_state == "Succeeded"


def test_replicas_and_their_logs(stack: Stack, name: str) -> None:
    made = stack.put(name, stack.body())
    stack.ask(made, "/remember-me")
    revision = made.properties.latest_revision_name
    replicas = stack.client.container_apps_revision_replicas.list_replicas(stack.group, name, revision).value
    container = replicas[0].properties.containers[0]
    assert (replicas[0].properties.running_state, container.ready, container.restart_count) == ("Running", True, 0)
    one = stack.client.container_apps_revision_replicas.get_replica(stack.group, name, revision, replicas[0].name)
    assert one.id == replicas[0].id
    token = stack.client.container_apps.get_auth_token(stack.group, name).properties.token

    def lines(bearer: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {bearer}"}
        query = {"follow": "false", "tailLines": "50"}
        ca = stack.cloud.endpoint["ca_file"]
        return requests.get(container.log_stream_endpoint, params=query, headers=headers, verify=ca, timeout=120)

    wait_for(lambda: "asked for /remember-me" in lines(token).text)
    assert lines(stack.cloud.token).status_code == 401


def test_the_local_status_tells_requests_in_flight(stack: Stack, name: str) -> None:
    stack.put(name, stack.body())
    apps = {one["name"]: one for one in stack.cloud.call("GET", "/_local/apps").json()["apps"]}
    assert apps[name]["in_flight"] == 0
    assert apps[name]["replicas"][0]["pid"] > 0
    assert (
        requests.get(
            stack.cloud.endpoint["arm"] + "/_local/apps", verify=stack.cloud.endpoint["ca_file"], timeout=120
        ).status_code
        == 401
    )


def test_secrets_by_value_and_by_reference(stack: Stack, name: str) -> None:
    body = stack.body()
    vaults = stack.cloud.client(KeyVaultManagementClient).vaults
    sku = {"family": "A", "name": "standard"}
    properties = {"tenantId": stack.cloud.endpoint["tenant"], "sku": sku}
    vault = vaults.begin_create_or_update(
        stack.group, "kv-apps", {"location": LOCATION, "properties": properties}
    ).result()
    stack.grant(vault.id, "Key Vault Secrets Officer", stack.cloud.operator)
    stack.cloud.secrets("kv-apps").set_secret("token", "from-the-vault")
    reference = {
        "name": "token",
        "keyVaultUrl": f"{vault.properties.vault_uri}secrets/token",
        "identity": stack.identity.id,
    }
    body["properties"]["configuration"]["secrets"] = [reference, {"name": "plain", "value": "by-value-only"}]
    variables = [{"name": "TOKEN", "secretRef": "token"}, {"name": "GREETING", "secretRef": "plain"}]
    body["properties"]["template"]["containers"][0]["env"] = variables
    with pytest.raises(HttpResponseError) as caught:
        stack.put(name, body)
    assert code_of(caught.value) == "InvalidParameterValueInContainerTemplate"
    assert "unable to fetch secret 'token' using Managed identity" in str(caught.value)
    stack.grant(vault.id, "Key Vault Secrets User", stack.identity.principal_id)
    made = stack.put(name, body)
    answer = stack.ask(made).json()
    assert (answer["TOKEN"], answer["GREETING"]) == ("from-the-vault", "by-value-only")
    assert "by-value-only" not in stack.cloud.call("GET", made.id).text
    listed = stack.client.container_apps.list_secrets(stack.group, name).value
    assert {one.name: one.value for one in listed}["plain"] == "by-value-only"
    vaults.delete(stack.group, "kv-apps")
    vaults.begin_purge_deleted("kv-apps", LOCATION).result()


def _set(path: str, value: Any) -> Any:
    """A change to an app's body: `path` below properties, list positions as numbers."""

    def change(body: dict[str, Any]) -> None:
        at: Any = body["properties"]
        *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        for part in parents:
            at = at[part]
        at[last] = value

    return change


CONTAINER = "template.containers.0."


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (_set("environmentId", "/subscriptions/x"), 404, "ManagedEnvironmentNotFound"),
        (_set("template.containers", []), 400, "ContainerAppImageRequired"),
        (_set(CONTAINER + "resources", {"cpu": 0.5, "memory": "2Gi"}), 400, "ContainerAppInvalidResourceTotal"),
        (_set(CONTAINER + "resources", {"cpu": 5, "memory": "10Gi"}), 400, "ContainerAppInvalidResourceTotal"),
        (_set(CONTAINER + "resources", {"cpu": "much", "memory": "1Gi"}), 400, "ContainerAppInvalidResourceTotal"),
        (_set("template.scale", {"minReplicas": 3, "maxReplicas": 2}), 400, "ContainerAppInvalidScaleSpec"),
        (_set(CONTAINER + "env", [{"name": "A", "secretRef": "no"}]), 400, "ContainerAppSecretRefNotFound"),
        (_set("configuration.secrets", [{"name": "Loud", "value": "x"}]), 400, "ContainerAppInvalidSecretName"),
        (_set("configuration.secrets", [{"name": "empty"}]), 400, "ContainerAppSecretInvalid"),
        (_set("template.revisionSuffix", "../../../../x"), 400, "ContainerAppInvalidRevisionName"),
        (_set("template.revisionSuffix", "Loud"), 400, "ContainerAppInvalidRevisionName"),
        (_set("template.revisionSuffix", "x" * 46), 400, "ContainerAppInvalidRevisionName"),
        (_set(CONTAINER + "image", "stackreg.azurecr.io/no:1"), 400, "InvalidParameterValueInContainerTemplate"),
        (_set(CONTAINER + "image", "nowhere.azurecr.io/no:1"), 400, "InvalidParameterValueInContainerTemplate"),
        (_set("configuration.registries", []), 400, "InvalidParameterValueInContainerTemplate"),
    ],
)
def test_what_azure_refuses(stack: Stack, change: Any, status: int, code: str) -> None:
    body = copy.deepcopy(stack.body())
    change(body)
    with pytest.raises(HttpResponseError) as caught:
        stack.put("refused", body)
    assert (caught.value.status_code, code_of(caught.value)) == (status, code)
    with pytest.raises(ResourceNotFoundError):
        stack.client.container_apps.get(stack.group, "refused")


def test_a_revision_suffix_stands_for_one_template(stack: Stack) -> None:
    def body(greeting: str) -> dict[str, Any]:
        made = stack.body(GREETING=greeting)
        made["properties"]["template"]["revisionSuffix"] = "one"
        return made

    for _ in range(2):
        assert stack.put("named", body("first")).properties.latest_revision_name == "named--one"
    with pytest.raises(HttpResponseError, match="revision with suffix one already exists"):
        stack.put("named", body("second"))
    stack.client.container_apps.begin_delete(stack.group, "named").result()


@pytest.mark.parametrize("name", ["Upper", "1digit", "double--hyphen", "end-", "x" * 33])
def test_wrong_app_names(stack: Stack, name: str) -> None:
    path = f"{stack.cloud.scope}/resourceGroups/{stack.group}/providers/Microsoft.App/containerApps/{name}"
    answer = stack.cloud.call("PUT", path, json=stack.body())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ContainerAppInvalidName")
