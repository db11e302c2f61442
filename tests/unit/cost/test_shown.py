"""What people are shown: golden text of the tables, and the page, picture and data that say the same."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from reckoning import TODAY

from chatops.config.load import load
from chatops.cost.month import month_of
from chatops.cost.prices import bundled
from chatops.cost.report import CostReport
from chatops.costing import Occasion, report_on
from chatops.views.cost_data import as_json, comma_separated
from chatops.views.cost_page import page
from chatops.views.cost_picture import picture
from chatops.views.cost_table import show

CASES = Path(__file__).parents[2] / "cases" / "cost"
SHOWN = {
    "whole": [("whole", "eastus")],
    "whole-of-unknowns": [("whole", "germanywestcentral")],
    "asleep": [("asleep", "westeurope")],
    "side-by-side": [("whole", "eastus"), ("asleep", "eastus"), ("whole", "westeurope")],
}


def report(name: str, month: str | None = None) -> CostReport:
    stacks = [
        (file, load(CASES / f"{file}.yaml").model_copy(update={"location": region})) for file, region in SHOWN[name]
    ]
    occasion = Occasion(bundled()) if month is None else Occasion(bundled(), month=month_of(month))
    return report_on(stacks, occasion, TODAY)


@pytest.mark.parametrize("name", SHOWN)
def test_the_table(name: str) -> None:
    """When this fails and the change is meant: write `shown` into the file."""
    shown = StringIO()
    show(report(name), shown)
    assert shown.getvalue() == (CASES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHOWN)
def test_the_data_add_up(name: str) -> None:
    for stack in json.loads(as_json(report(name)))["stacks"]:
        for scenario in ("idle", "expected", "busy"):
            parts = [part[scenario] for part in (*stack["resources"], *stack["grants"]) if part[scenario]]
            for bound in ("low", "high"):
                total = sum(part[bound] for part in parts)
                assert total == pytest.approx(stack["total"][scenario][bound], abs=1e-4)


def test_a_spreadsheet_adds_up_to_the_total() -> None:
    made = report("whole")
    rows = list(csv.DictReader(StringIO(comma_separated(made))))
    total = json.loads(as_json(made))["stacks"][0]["total"]
    assert sum(float(row["idle"]) for row in rows) == pytest.approx(total["idle"]["high"], abs=1e-4)
    assert sum(float(row["expected"]) for row in rows) == pytest.approx(total["expected"]["high"], abs=1e-4)


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_stands_alone(name: str) -> None:
    """Nothing is fetched from elsewhere, and every figure of the total is there."""
    html = page(report(name))
    assert not re.search(r"(src|href)=|url\(|@import", html)
    assert html.count("<details>") == html.count("</details>")
    assert "prefers-color-scheme:dark" in html.replace(" ", "")
    assert 'name="viewport"' in html
    if name == "whole":
        assert "$181.17 to $184.95" in html


@pytest.mark.parametrize("name", SHOWN)
def test_the_picture_is_svg(name: str) -> None:
    root = ElementTree.fromstring(picture(report(name).sheets[0]))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    height, texts = float(root.attrib["height"]), list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert all(0 < float(text.attrib["y"]) < height for text in texts)
    rectangles = list(root.iter("{http://www.w3.org/2000/svg}rect"))
    assert all(float(it.attrib.get("x", 0)) + float(it.attrib["width"]) <= 880 for it in rectangles)


def test_names_cannot_break_the_page() -> None:
    config = load(CASES / "whole.yaml").model_copy(update={"location": "eastus"})
    made = report_on([("<script>&", config)], Occasion(bundled()), TODAY)
    assert "<script>" not in page(made)
    assert "chat (&lt;script&gt;&amp;)" in page(made)
    ElementTree.fromstring(picture(made.sheets[0]))


def test_a_month_of_the_calendar() -> None:
    february, march = (report("whole", f"2027-{month}").sheets[0] for month in ("02", "03"))
    assert (february.month, march.month) == ("2027-02", "2027-03")
    json_of = [json.loads(as_json(report("whole", f"2027-{month}")))["stacks"][0] for month in ("02", "03")]
    storage = [
        meter["expected"]["low"]
        for stack in json_of
        for row in stack["resources"]
        for meter in row["meters"]
        if meter["meter"] in ("storage", "load balancer of the environment")
    ]
    assert storage == pytest.approx([3.68, 28 * 24 * 0.025, 3.68, 31 * 24 * 0.025])
