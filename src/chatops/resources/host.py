"""One custom domain as a whole: what Azure knows of it, and what the name servers answer. Its kinds share this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, raw_json
from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud
from chatops.domain.doctor import diagnose
from chatops.domain.finding import Certificate, Finding, Wanted
from chatops.domain.look import look
from chatops.domain.seen import Seen
from chatops.engine.resource import Json

if TYPE_CHECKING:
    from chatops.domain.authority import Authority

APP_VERSION = "2026-01-01"
"""Of Microsoft.App."""
ZONE_VERSION = "2018-05-01"
SETTLE_SECONDS = 120.0
"""Records that were only just written need a moment until all name servers have them, and Azure sees them."""
LOOK_AGAIN_SECONDS = 5.0
PASSING = ("servers-silent", "servers-lame")
DAY = 86400.0


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host name, the app that it leads to, and where its records and its certificate are. Ids are Azure's."""

    name: str
    service: str
    app_id: str
    environment_id: str
    certificate_id: str
    managed: bool
    apex: bool
    zone: str | None = None
    zone_id: str | None = None

    @property
    def app_name(self) -> str:
        return self.app_id.rsplit("/", 1)[-1]

    @property
    def app_group(self) -> str:
        return self.app_id.split("/")[4]

    def wanted(self, azure: Azure) -> Wanted:
        """Return what Azure knows now. Everything of an app that is not there is None."""
        app = azure.read(self.app_id, APP_VERSION)
        home = azure.read(self.environment_id, APP_VERSION) if app else None
        properties, ingress = _properties(app), _ingress(app)
        external = bool(ingress.get("external"))
        return Wanted(
            host=self.name,
            service=self.service,
            proof=properties.get("customDomainVerificationId"),
            target=ingress.get("fqdn"),
            address=_properties(home).get("staticIp"),
            suffix=_properties(home).get("defaultDomain", ""),
            managed=self.managed,
            external=external,
            restricted=any(rule.get("action") == "Allow" for rule in ingress.get("ipSecurityRestrictions") or []),
            zone=self.zone,
            zone_servers=self._zone_servers(azure),
            siblings=self._siblings(azure) if app else {},
            **self._certified(azure if home else None),
        )

    def _zone_servers(self, azure: Azure) -> tuple[str, ...]:
        zone = azure.read(self.zone_id, ZONE_VERSION) if self.zone_id else None
        return tuple(_properties(zone).get("nameServers") or ())

    def _siblings(self, azure: Azure) -> dict[str, str]:
        listed = azure.read(self.app_id.rsplit("/", 1)[0], APP_VERSION) or {}
        others = [app for app in listed.get("value", []) if app["id"].lower() != self.app_id.lower()]
        return {str(_ingress(app)["fqdn"]): app["name"] for app in others if _ingress(app).get("fqdn")}

    def _certified(self, azure: Azure | None) -> dict[str, Any]:
        body = azure.read(self.certificate_id, APP_VERSION) if azure else None
        if body is None:
            return {}
        properties = _properties(body)
        if not self.managed:
            until = properties.get("expirationDate")
            return {"until": until, "days_left": -_seconds_since(until) / DAY if until else None}
        since = (body.get("systemData") or {}).get("createdAt")
        state = str(properties.get("provisioningState", "none"))
        pending = _seconds_since(since) if since and state.lower() == "pending" else 0.0
        return {"certificate": Certificate(state, str(properties.get("error") or ""), pending)}

    def seen(self, azure: Azure) -> Seen:
        """Ask the name servers, each time anew."""
        return look(authority(azure.cloud), self.name)

    def finding(self, azure: Azure, *about: str) -> Finding | None:
        """Return what is wrong with these steps now; with all of them when none is named."""
        return diagnose(self.seen(azure), self.wanted(azure), about)

    def settles(self, finding: Finding) -> bool:
        """Tell whether a moment may mend it: a server that said nothing, or records that the stack has just written."""
        return finding.code in PASSING or (self.zone_id is not None and finding.about in ("proof", "route"))

    def taken_by(self, azure: Azure) -> str | None:
        """Return the id of the app that holds the name already, as far as Azure lets us see it."""
        with calling("asking about", f"host name '{self.name}'"):
            apps = azure.container_apps.container_apps
            found: Any = apps.list_custom_host_name_analysis(
                self.app_group, self.app_name, custom_hostname=self.name, cls=raw_json
            )
        if not found.get("hasConflictOnManagedEnvironment") and not found.get("conflictWithEnvironmentCustomDomain"):
            return None
        return str(found.get("conflictingContainerAppResourceId") or "an app of another environment")


def authority(cloud: Cloud) -> Authority:
    """Return who is asked: the local cloud's own name server, or the world's from the root down."""
    from chatops.domain.authority import Authority, Server

    if cloud.dns is None:
        return Authority()
    address, _, port = cloud.dns.rpartition(":")
    return Authority([Server("the local cloud's name server", address, int(port))], int(port))


def domains_of(app: Json | None) -> list[Json]:
    """Return the custom domains of an app, as Azure has them."""
    return list(_ingress(app).get("customDomains") or [])


def domain_of(app: Json | None, host: str) -> Json | None:
    """Return what an app has of one host name."""
    return next((domain for domain in domains_of(app) if str(domain.get("name", "")).lower() == host), None)


def _properties(body: Json | None) -> Json:
    return dict((body or {}).get("properties") or {})


def _ingress(app: Json | None) -> Json:
    return dict((_properties(app).get("configuration") or {}).get("ingress") or {})


def _seconds_since(moment: str) -> float:
    then = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return (datetime.now(UTC) - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()
