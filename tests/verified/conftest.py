"""The mark of tests that run against real Azure where a subscription and a credential are given."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "azure_verified: runs against real Azure with CHATOPS_AZURE_SUBSCRIPTION set")
