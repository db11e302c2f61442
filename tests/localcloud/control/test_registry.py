"""Registries and their quick builds through the real clients."""

from __future__ import annotations

import pytest
import requests
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

from ..conftest import LOCATION, Cloud, code_of
from .conftest import DOCKERFILE, Stack, build


def test_a_registry_lives_and_dies(cloud: Cloud, group: str) -> None:
    registries = cloud.client(ContainerRegistryManagementClient).registries
    made = registries.begin_create(group, "LiveReg1", {"location": LOCATION, "sku": {"name": "Standard"}}).result()
    assert made.properties.login_server == "livereg1.azurecr.io"
    assert (made.sku.tier, made.properties.provisioning_state) == ("Standard", "Succeeded")
    taken = registries.check_name_availability({"name": "livereg1", "type": "Microsoft.ContainerRegistry/registries"})
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
    updated = registries.begin_update(group, "livereg1", {"tags": {"a": "b"}, "sku": {"name": "Basic"}}).result()
    assert (updated.tags, updated.sku.name) == ({"a": "b"}, "Basic")
    assert updated.properties.creation_date == made.properties.creation_date
    with pytest.raises(HttpResponseError) as caught:
        registries.list_credentials(group, "livereg1")
    assert code_of(caught.value) == "UnAuthorizedForCredentialOperations"
    registries.begin_delete(group, "livereg1").result()
    with pytest.raises(ResourceNotFoundError):
        registries.get(group, "livereg1")


def test_usages_tell_how_large_the_images_are(stack: Stack, cloud: Cloud) -> None:
    registries = cloud.client(ContainerRegistryManagementClient).registries
    size, webhooks = registries.list_usages(stack.group, "stackreg").value
    assert (size.name, size.unit, size.limit) == ("Size", "Bytes", 10 << 30)
    assert size.current_value > 0
    assert (webhooks.current_value, webhooks.limit) == (0, 2)
    with pytest.raises(ResourceNotFoundError):
        registries.list_usages(stack.group, "nosuchreg")


def test_names_are_global(stack: Stack, cloud: Cloud, group: str) -> None:
    registries = cloud.client(ContainerRegistryManagementClient).registries
    with pytest.raises(ResourceExistsError) as caught:
        registries.begin_create(group, "stackreg", {"location": LOCATION, "sku": {"name": "Basic"}})
    assert code_of(caught.value) == "AlreadyInUse"


def test_a_quick_build_makes_an_image(stack: Stack, cloud: Cloud) -> None:
    run = build(cloud, stack.group, "stackreg", "again:{{.Run.ID}}", {"Dockerfile": DOCKERFILE, "service.py": "1"})
    made = run.properties.output_images[0]
    assert (made.repository, made.tag) == ("again", run.name)
    assert made.digest.startswith("sha256:")
    tasks = cloud.client(ContainerRegistryTasksMgmtClient)
    link = tasks.runs.get_log_sas_url(stack.group, "stackreg", run.name).log_link
    text = requests.get(link, verify=cloud.endpoint["ca_file"], timeout=120).text
    assert "Successfully built sha256:" in text
    assert run.name in [one.name for one in tasks.runs.list(stack.group, "stackreg")]


def test_a_build_that_fails_says_why(stack: Stack, cloud: Cloud) -> None:
    run = build(cloud, stack.group, "stackreg", "broken:1", {"Dockerfile": "FROM python:3.12-slim\nCOPY nothing .\n"})
    assert run.properties.status == "Failed"
    assert "nothing" in run.properties.run_error_message


def test_the_data_plane_answers_at_the_registrys_own_name(stack: Stack, cloud: Cloud) -> None:
    client = ContainerRegistryClient(
        endpoint=f"https://{stack.registry.properties.login_server}",
        credential=cloud.credential,
        audience="https://management.azure.com",
        proxies={"https": cloud.endpoint["proxy"]},
        connection_verify=cloud.endpoint["ca_file"],
    )
    found = client.get_manifest_properties("tiny", "1")
    assert found.digest.startswith("sha256:")
    assert client.get_tag_properties("tiny", "1").digest == found.digest
    with pytest.raises(ResourceNotFoundError):
        client.get_manifest_properties("tiny", "2")
    assert {line["plane"] for line in cloud.calls() if line["path"].startswith("/acr/")} == {"registry"}


def test_unknown_runs_and_requests(stack: Stack, cloud: Cloud) -> None:
    tasks = cloud.client(ContainerRegistryTasksMgmtClient)
    with pytest.raises(ResourceNotFoundError):
        tasks.runs.get(stack.group, "stackreg", "cb999")
    with pytest.raises(HttpResponseError) as caught:
        tasks.registries.schedule_run(stack.group, "stackreg", {"type": "FileTaskRunRequest", "taskFilePath": "x"})
    assert code_of(caught.value) == "InvalidRunRequest"


def sign_in(cloud: Cloud, server: str, user: str, password: str) -> requests.Response:
    """What `docker login` sends."""
    where = {"verify": cloud.endpoint["ca_file"], "proxies": {"https": cloud.endpoint["proxy"]}, "timeout": 120}
    query = {"service": server, "account": user, "offline_token": "true"}
    return requests.get(f"https://{server}/oauth2/token", auth=(user, password), params=query, **where)


def test_the_admin_user_signs_in_and_pulls_while_it_is_enabled(stack: Stack, cloud: Cloud) -> None:
    registries = cloud.client(ContainerRegistryManagementClient).registries
    registries.begin_update(stack.group, "stackreg", {"properties": {"adminUserEnabled": True}}).result()
    found = registries.list_credentials(stack.group, "stackreg")
    password = found.passwords[0].value
    server = stack.registry.properties.login_server
    token = sign_in(cloud, server, found.username, password).json()["access_token"]
    where = {"verify": cloud.endpoint["ca_file"], "proxies": {"https": cloud.endpoint["proxy"]}, "timeout": 120}
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"https://{server}/v2/", headers=headers, **where).status_code == 200
    assert sign_in(cloud, server, found.username, "wrong").status_code == 401

    body = stack.body()
    body["identity"] = {"type": "None"}
    configuration = body["properties"]["configuration"]
    configuration["secrets"] = [{"name": "pull", "value": password, "keyVaultUrl": "", "identity": ""}]
    entry = {"server": server, "username": found.username, "passwordSecretRef": "pull"}
    configuration["registries"] = [entry]
    assert stack.put("by-admin", body).properties.provisioning_state == "Succeeded"
    stack.client.container_apps.begin_delete(stack.group, "by-admin").result()

    registries.begin_update(stack.group, "stackreg", {"properties": {"adminUserEnabled": False}}).result()
    assert requests.get(f"https://{server}/v2/", headers=headers, **where).status_code == 403
    with pytest.raises(HttpResponseError) as caught:
        stack.put("by-admin", body)
    assert code_of(caught.value) == "InvalidParameterValueInContainerTemplate"
