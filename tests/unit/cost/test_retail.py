"""The retail price list: which row is which meter, on recorded answers, and answers that must not be believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from chatops.cost.prices import bundled, read_rows
from chatops.cost.retail import as_snapshot, matching, question, refresh
from chatops.errors import ChatopsError

CASES = Path(__file__).parents[2] / "cases" / "cost" / "retail"
LIST = "https://prices.azure.com/api/retail/prices"
TODAY = date(2026, 11, 22)
DEFINITIONS = bundled().definitions


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)
    return found


@pytest.mark.parametrize(
    ("name", "region", "meter", "price"),
    [
        ("postgresql-westeurope", "westeurope", "postgresql/Standard_B1ms", "0.0199"),
        ("postgresql-westeurope", "westeurope", "postgresql/storage", "0.1369"),
        ("postgresql-westeurope", "westeurope", "postgresql/Standard_B2s", None),
        ("postgresql-westeurope", "eastus", "postgresql/Standard_B1ms", None),
        ("postgresql-eastus2", "eastus2", "postgresql/Standard_D2ds_v5", "0.178"),
        ("postgresql-eastus2", "eastus2", "postgresql/Standard_E2ds_v5", "0.25"),
        ("postgresql-eastus2", "eastus2", "postgresql/Standard_B2ms", "0.136"),
        ("postgresql-eastus2", "eastus2", "postgresql/Standard_D4ds_v5", None),
        ("key-vault-westeurope", "westeurope", "key-vault/operations", "0.03"),
        ("container-apps", "australiaeast", "container-apps/vcpu-active", "0.000034"),
        ("container-apps", "australiaeast", "container-apps/requests", "0.4"),
        ("container-apps", "uaenorth", "container-apps/vcpu-idle", "0.000003"),
        ("container-apps", "northcentralus", "container-apps/memory-active", "0.000004"),
        ("container-apps", "northcentralus", "container-apps/memory-idle", None),
        ("container-apps", "canadaeast", "container-apps/vcpu-active", None),
        ("other-services", "eastus", "registry/Basic", "0.1666"),
        ("other-services", "eastus", "registry/Standard", "0.6666"),
        ("other-services", "eastus", "registry/Premium", None),
        ("other-services", "eastus", "registry/storage", "0.1"),
        ("other-services", "Global", "load-balancer/rules", "0.025"),
        ("other-services", "eastus", "address/standard", "0.005"),
        ("other-services", "eastus", "logs/ingestion", "2.3"),
        ("other-services", "eastus", "logs/retention", "0.1"),
        ("other-services", "germanywestcentral", "dns/private-zone", "0.5"),
    ],
)
def test_a_meter_is_found_by_its_exact_names(name: str, region: str, meter: str, price: str | None) -> None:
    found = matching(DEFINITIONS[meter], region, recorded(name)["Items"], LIST, TODAY)
    assert (None if found is None else f"{found.price:f}") == price


def test_a_free_tier_is_a_grant_and_no_price() -> None:
    rows = [row for row in recorded("other-services")["Items"] if row["tierMinimumUnits"] == 0]
    assert matching(DEFINITIONS["logs/ingestion"], "eastus", rows, LIST, TODAY) is None


def test_two_prices_for_one_meter_are_none() -> None:
    rows = recorded("key-vault-westeurope")["Items"]
    other = {**next(row for row in rows if row["meterName"] == "Operations"), "retailPrice": Decimal("0.04")}
    assert matching(DEFINITIONS["key-vault/operations"], "westeurope", [*rows, other], LIST, TODAY) is None


def test_the_question_asks_for_dollars_of_one_service_in_one_region() -> None:
    asked = question(LIST, "Azure Container Apps", "westeurope")
    assert asked.startswith(f"{LIST}?api-version=")
    assert "currencyCode='USD'" in asked
    assert " " not in asked
    assert unquote(asked).endswith(
        "$filter=serviceName eq 'Azure Container Apps' and armRegionName eq 'westeurope' and priceType eq 'Consumption'"
    )
    assert "armRegionName" not in question(LIST, "Azure DNS", "westeurope")


class Answers:
    """A price list: for each question, in order, one answer; every question is kept."""

    def __init__(self, *answers: dict[str, Any] | bytes) -> None:
        self.answers = [it if isinstance(it, bytes) else json.dumps(it, default=float).encode() for it in answers]
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


VAULT = [DEFINITIONS["key-vault/operations"]]


def ask(answers: Callable[[str], bytes]) -> tuple[str, ...]:
    found = refresh(LIST, VAULT, ["westeurope"], answers, TODAY)
    return tuple(f"{price.price:f}" for price in found.prices)


def test_pages_are_followed_to_the_last() -> None:
    whole = recorded("key-vault-westeurope")
    first = {**whole, "Items": whole["Items"][:2], "Count": 2, "NextPageLink": f"{LIST}?$skip=2"}
    second = {**whole, "Items": whole["Items"][2:], "Count": 3}
    answers = Answers(first, second)
    assert ask(answers) == ("0.03",)
    assert answers.asked[1] == f"{LIST}?$skip=2"


def changed(**fields: Any) -> dict[str, Any]:
    return {**recorded("key-vault-westeurope"), **fields}


def in_row(**fields: Any) -> dict[str, Any]:
    """The answer with fields changed in every row."""
    whole = recorded("key-vault-westeurope")
    return {**whole, "Items": [{**row, **fields} for row in whole["Items"]]}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "no page of prices"),
        (b"<html>busy</html>", "no page of prices"),
        (json.dumps(changed(), default=float).encode()[:900], "no page of prices"),
        (b"[]", "no page of prices"),
        (b'{"Items": null, "NextPageLink": null, "Count": 0, "BillingCurrency": "USD"}', "no page of prices"),
        (changed(Count=6), "says 6 prices and has 5"),
        (changed(BillingCurrency="EUR"), "in EUR, not in USD"),
        (in_row(currencyCode="GBP"), "in GBP, not in USD"),
        (in_row(retailPrice=-1), "costs -1"),
        (in_row(retailPrice="NaN"), "costs NaN"),
        (in_row(retailPrice=None), "has no price"),
        (changed(NextPageLink="https://elsewhere.example/prices"), "next page would be https://elsewhere.example"),
    ],
)
def test_an_answer_that_is_not_whole_is_refused(answer: dict[str, Any] | bytes, why: str) -> None:
    with pytest.raises(ChatopsError, match="refused") as caught:
        ask(Answers(answer))
    assert why in caught.value.message
    assert caught.value.hint == "the prices stay as they were"


def test_a_row_without_a_name_is_refused() -> None:
    whole = recorded("key-vault-westeurope")
    rows = [{key: value for key, value in row.items() if key != "skuName"} for row in whole["Items"]]
    with pytest.raises(ChatopsError, match="has no skuName"):
        ask(Answers({**whole, "Items": rows}))


def test_pages_that_go_round_in_circles_are_refused() -> None:
    again = changed(NextPageLink=question(LIST, "Key Vault", "westeurope"))
    with pytest.raises(ChatopsError, match="next page would be"):
        ask(Answers(again))


def test_what_the_list_does_not_have_is_told() -> None:
    nothing = changed(Items=[], Count=0)
    found = refresh(LIST, VAULT, ["westeurope", "eastus"], Answers(nothing), TODAY)
    assert found.prices == ()
    assert found.missing == (("key-vault/operations", "westeurope"), ("key-vault/operations", "eastus"))


def test_one_question_for_each_service_and_region() -> None:
    answers = Answers(changed(Items=[], Count=0))
    refresh(LIST, list(DEFINITIONS.values()), ["eastus", "westeurope"], answers, TODAY)
    services = {definition.service for definition in DEFINITIONS.values()}
    assert len(answers.asked) == 2 * len(services) - len({"Load Balancer", "Azure DNS"})
    assert len({*answers.asked}) == len(answers.asked)
    assert sum("armRegionName%20eq%20%27Global%27" in asked for asked in answers.asked) == 1


def test_fresh_prices_come_back_from_their_file() -> None:
    found = refresh(LIST, VAULT, ["westeurope"], Answers(recorded("key-vault-westeurope")), TODAY)
    assert read_rows(json.loads(as_snapshot(found.prices)), DEFINITIONS) == list(found.prices)
    assert found.prices[0].confidence == "retail"
