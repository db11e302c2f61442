"""Building with the registry's own build service, where it will not."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from images.conftest import BASE

from chatops.azure.clients import Azure
from chatops.errors import CloudError
from chatops.images.builder import Target
from chatops.images.context import Context
from chatops.images.registry import RegistryBuilder


def preset(azure: Azure, **conditions: str) -> None:
    cloud = azure.cloud
    headers = {"Authorization": f"Bearer {cloud.credential.get_token(cloud.scope).token}"}
    where = f"{cloud.arm}/_local/settings"
    requests.put(where, json=conditions, headers=headers, verify=cloud.ca_file, timeout=120).raise_for_status()


def test_a_trials_registry_refuses_and_what_to_do_is_said(azure: Azure, registry_id: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM $BASE\n")
    context = Context(tmp_path, {"BASE": BASE})
    preset(azure, offer="AzureForStudents_2018-01-01")
    try:
        with pytest.raises(CloudError) as caught:
            RegistryBuilder().build(azure, Target(registry_id, "trial", "1"), context, lambda said: None)
    finally:
        preset(azure)
    assert caught.value.code == "TasksOperationsNotAllowed"
    assert "start Docker here" in (caught.value.hint or "")
