"""The walk: every resource type made, changed, patched and deleted over plain HTTPS, with each exchange kept by name.

Operations are held under way while their polling URLs are read, so that what they say "not yet" with is seen for sure.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from ruamel.yaml import YAML

from ..conftest import Cloud, wait_for

HERE = Path(__file__).parent
SETTINGS = "/_local/settings"
POLLING = ("Azure-AsyncOperation", "Location")


def table(name: str) -> Any:
    """One of the YAML tables beside this file."""
    return YAML(typ="safe", pure=True).load((HERE / f"{name}.yaml").read_text())


@dataclass
class Walk:
    """A world under way: `exchanges` by name, such as `vnet.create.status`; `known` is what `${...}` stands for."""

    cloud: Cloud
    group: str
    exchanges: dict[str, requests.Response] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    token: str = ""

    def __post_init__(self) -> None:
        self.token = self.cloud.token
        scope = self.cloud.scope
        self.known |= {"scope": scope, "group": f"{scope}/resourceGroups/{self.group}"}
        self.known |= {"tenant": self.cloud.endpoint["tenant"], "subscription": self.cloud.endpoint["subscription"]}
        self.known |= {"arm": self.cloud.endpoint["arm"]}

    def send(self, name: str, method: str, url: str, version: str = "", **more: Any) -> requests.Response:
        """One call, kept under `name`; `url` whole or a path."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        whole = url if url.startswith("https:") else self.cloud.endpoint["arm"] + url
        query = {"api-version": version} if version else {}
        ca = self.cloud.endpoint["ca_file"]
        found = requests.request(method, whole, params=query, headers=headers, verify=ca, timeout=120, **more)
        if name:
            self.exchanges[name] = found
        return found

    def conditions(self, **wanted: Any) -> None:
        answer = self.send("", "PUT", SETTINGS, json=wanted)
        assert answer.status_code == 200, answer.text

    def fill(self, value: Any) -> Any:
        """`${a.b}` replaced by what is known, in keys and values."""
        if isinstance(value, dict):
            return {self.fill(name): self.fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"\$\{([\w.]+)\}", lambda found: str(dig(self.known, found[1])), value)
        return value

    def write(self, name: str, resource: dict[str, Any], method: str, body: Any = None) -> None:
        """A PUT, PATCH, POST or DELETE with all that can be seen while its operation is held, and at its end."""
        path, version = self.path(resource), resource["version"]
        sent: dict[str, Any] = {"headers": resource.get("headers", {})}
        if body is not None:
            sent["json"] = self.fill(body)
        self.conditions(held=[resource.get("type", type_of(path))])
        first = self.send(name, method, path, version, **sent)
        urls = {header: url for header in POLLING if (url := first.headers.get(header, "")).startswith("https:")}
        under_way = {header: url for header, url in urls.items() if urlsplit(url).path.lower() != path.lower()}
        for header, url in under_way.items():
            self.send(f"{name}.{_short(header)}", "GET", url)
        if method != "POST" and (urls or method == "PUT"):
            self.send(f"{name}.read", "GET", path, version)
            self.send(f"{name}.busy", method, path, version, **sent)
        for look in resource.get("looks", {}).get(method, []):
            self.send(f"{name}.{look['name']}", look["method"], self.path(look), look["version"])
        self.conditions()
        self._ends(name, resource, first, under_way)

    def _ends(self, name: str, resource: dict[str, Any], first: requests.Response, urls: dict[str, str]) -> None:
        if first.status_code >= 300:
            return
        for header, url in urls.items():
            last = f"{name}.{_short(header)}.end"
            wait_for(lambda url=url, last=last: _ended(self.send(last, "GET", url), url))
        if name.endswith(("create", "change", "patch")):
            path, version = self.path(resource), resource["version"]
            last = f"{name}.get"
            wait_for(lambda: _settled(self.send(last, "GET", path, version)))

    def path(self, resource: dict[str, Any]) -> str:
        below = str(resource["path"])
        return self.cloud.scope + below if resource.get("at") == "subscription" else str(self.known["group"]) + below

    def up(self, resource: dict[str, Any]) -> None:
        """Absent, created, changed, patched."""
        name, path, version = resource["name"], self.path(resource), resource["version"]
        self.send(f"{name}.absent", "GET", path, version)
        self.send(f"{name}.delete-absent", "DELETE", path, version)
        self.write(f"{name}.create", resource, "PUT", resource["put"])
        if "changed" in resource:
            self.write(f"{name}.change", resource, "PUT", resource["changed"])
            self.send(f"{name}.unchanged", "PUT", path, version, json=self.fill(resource["changed"]))
            wait_for(lambda: _settled(self.send("", "GET", path, version)))
        if "patch" in resource:
            self.write(f"{name}.patch", resource, "PATCH", resource["patch"])
        self.known[name] = self.send(f"{name}.get", "GET", path, version).json()

    def down(self, resource: dict[str, Any]) -> None:
        """Deleted, gone, and deleted again."""
        name, path, version = resource["name"], self.path(resource), resource["version"]
        self.write(f"{name}.delete", resource, "DELETE")
        self.send(f"{name}.gone", "GET", path, version)
        self.send(f"{name}.delete-again", "DELETE", path, version)


def _short(header: str) -> str:
    return {"Azure-AsyncOperation": "status", "Location": "result"}[header]


def _ended(answer: requests.Response, url: str) -> bool:
    """Whether a poll says that the operation is over."""
    if answer.status_code == 202:
        return False
    if answer.status_code == 200 and answer.content and "result" not in url.lower():
        return answer.json().get("status") in ("Succeeded", "Failed")
    return True


def _settled(answer: requests.Response) -> bool:
    properties = answer.json().get("properties", {})
    return properties.get("provisioningState", properties.get("state", "Ready")) in ("Succeeded", "Ready")


def type_of(path: str) -> str:
    """`Microsoft.X/a/b` of an id."""
    namespace, *rest = path.rsplit("/providers/", 1)[1].split("/")
    return "/".join((namespace, *rest[::2]))


def dig(value: Any, path: str) -> Any:
    """`a.b.0` in nested objects and arrays; KeyError when it is not there."""
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def unpacked(token: str) -> Any:
    """The JSON inside an operation's base64 token."""
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
