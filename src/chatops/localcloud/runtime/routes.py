"""Which app a host name means, for whom, and with which certificate."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from .apps import App
from .spec import CustomDomain


class Routes:
    """All apps by ARM id, and the token by which a replica proves its environment to the internal ingress."""

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self.domains: dict[str, tuple[CustomDomain, ...]] = {}
        """Custom domains by the app's ARM id."""
        self.challenges: dict[str, str] = {}
        """Tokens that prove to an authority who answers under a host name."""
        self._tokens: dict[str, str] = {}

    def token(self, environment: str) -> str:
        """The environment's token, made at first use; it lives as long as this daemon."""
        return self._tokens.setdefault(environment, secrets.token_urlsafe(24))

    def environment(self, token: str) -> str | None:
        """The environment that a token stands for."""
        return next(
            (name for name, known in self._tokens.items() if secrets.compare_digest(known.encode(), token.encode())),
            None,
        )

    def external(self, host: str) -> App | None:
        """From outside: an external app by its FQDN, a domain of its own or `<app>.localhost`.

        By the machine's own name it is the only one that there is.
        """
        apps = [app for app in self.apps.values() if app.spec.external and app.spec.fqdn]
        if host in {"127.0.0.1", "localhost"}:
            return _only(apps)
        by_name = [app for app in apps if host == f"{app.spec.name}.localhost"]
        if owners := [app for app in apps if self._domain(app.spec.id, host)]:
            return _only(owners)
        return _only(app for app in apps if app.answers_to(host)) or _only(by_name)

    def custom(self, host: str) -> CustomDomain | None:
        """The custom domain of that name."""
        return next((found for app in self.domains if (found := self._domain(app, host))), None)

    def _domain(self, app: str, host: str) -> CustomDomain | None:
        return next((domain for domain in self.domains.get(app, ()) if domain.name == host), None)

    def certificate(self, host: str) -> str | None:
        """The certificate of a custom domain, else that of the environment whose domain the name lies in."""
        if (custom := self.custom(host)) is not None:
            return custom.certificate
        specs = [app.spec for app in self.apps.values() if app.spec.fqdn]
        return next((spec.environment for spec in specs if host.endswith(f".{domain(spec.fqdn or '')}")), None)

    def internal(self, environment: str, host: str) -> App | None:
        """From a replica: an app with ingress of its own environment, by name or FQDN."""
        apps = (app for app in self.apps.values() if app.spec.environment == environment and app.spec.fqdn)
        return _only(app for app in apps if host == app.spec.name or app.answers_to(host))

    def is_ours(self, host: str) -> bool:
        """Whether a name can only be an app's: one word, or below the domain of an environment."""
        domains = {domain(app.spec.fqdn) for app in self.apps.values() if app.spec.fqdn}
        return "." not in host or any(host.endswith(f".{name}") for name in domains)


def domain(fqdn: str) -> str:
    """The environment's domain in an app's FQDN."""
    return fqdn.partition(".")[2].removeprefix("internal.")


def _only(apps: Iterable[App]) -> App | None:
    found = list(apps)
    return found[0] if len(found) == 1 else None
