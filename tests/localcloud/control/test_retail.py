"""The local copy of the public price list: filters, pages, refusals, and no token."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from ..conftest import Cloud


def ask(cloud: Cloud, **query: str) -> requests.Response:
    named = {name.replace("_", "$"): value for name, value in query.items()}
    return requests.get(cloud.endpoint["prices"], params=named, verify=cloud.endpoint["ca_file"], timeout=120)


def every(cloud: Cloud, filter: str) -> list[dict[str, Any]]:
    found, answer = [], ask(cloud, _filter=filter).json()
    while True:
        assert answer["Count"] == len(answer["Items"]) <= 100
        found += answer["Items"]
        if answer["NextPageLink"] is None:
            return found
        answer = requests.get(answer["NextPageLink"], verify=cloud.endpoint["ca_file"], timeout=120).json()


def test_one_meter_of_one_region(cloud: Cloud) -> None:
    (item,) = every(cloud, "armRegionName eq 'eastus' and meterName eq 'Standard vCPU Idle Usage'")
    assert (item["retailPrice"], item["unitOfMeasure"], item["currencyCode"]) == (0.000003, "1 Second", "USD")
    assert (item["serviceName"], item["skuName"]) == ("Azure Container Apps", "Standard")


def test_everything_comes_in_pages(cloud: Cloud) -> None:
    whole = every(cloud, "")
    assert len(whole) > 100
    assert len({item["meterId"] for item in whole}) == len(whole)
    either = every(
        cloud, "serviceName eq 'Load Balancer' or (serviceName eq 'Key Vault' and contains(skuName, 'Stand'))"
    )
    assert {item["serviceName"] for item in either} == {"Load Balancer", "Key Vault"}
    assert every(cloud, "armRegionName eq 'nowhere'") == []


@pytest.mark.parametrize(
    "filter", ["meterName", "meterName eq 5", "meterName gt 'x'", "(meterName eq 'x'", "meterName eq 'x' also", "eq eq"]
)
def test_filters_that_mean_nothing(cloud: Cloud, filter: str) -> None:
    assert ask(cloud, _filter=filter).status_code == 400


def test_other_currencies_are_not_there(cloud: Cloud) -> None:
    assert ask(cloud, currencyCode="'EUR'").status_code == 400
