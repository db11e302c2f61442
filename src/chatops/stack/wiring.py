"""What the bundled images are told, by image: environment variables, secrets of the vault, probe paths."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from chatops.config import schema
from chatops.config.schema import Config, Service
from chatops.resources.app_parts import Probes, Scale, Window
from chatops.rollout.gate import Gate

SECRETS: dict[str, Callable[[], str]] = {
    "postgres-username": lambda: "chatops",
    "postgres-password": lambda: f"Pg1-{secrets.token_urlsafe(32)}",
    "session-key": lambda: secrets.token_urlsafe(48),
}
"""The generated secrets of a stack, and how each is made."""

_SECRETS_OF = {
    "chat-ui": {"SESSION_KEY": "session-key"},
    "db-api": {"POSTGRES_USERNAME": "postgres-username", "POSTGRES_PASSWORD": "postgres-password"},
}
# a model of some GB takes minutes to fetch and load; until then lm-api says 503
_PROBES_OF = {"lm-api": Probes("/health", "/health", every=60, failures=10)}

_SMOKE_OF = {
    "chat-ui": "python -m chat_ui.smoke",
    "db-api": "python -m db_api.smoke",
    "lm-api": "python -m lm_api.smoke",
}


def gate_of(service: Service) -> Gate:
    """Return what a new revision of the service has to prove before it gets traffic."""
    health = probes_of(service).readiness if service.external else None
    return Gate(service.ready_within, health, service.smoke or _SMOKE_OF.get(service.image))


def secrets_of(service: Service) -> dict[str, str]:
    """Return environment variable -> name of the secret that fills it."""
    return _SECRETS_OF.get(service.image, {})


def probes_of(service: Service) -> Probes:
    """Return the probe paths of the service's image."""
    return _PROBES_OF.get(service.image, Probes("/health", "/ready"))


def environment_of(service: Service, config: Config, database_host: str) -> dict[str, str]:
    """Return the plain environment. A service that `calls` another gets its URL; `env` of the file wins over all."""
    called = {f"{other.upper().replace('-', '_')}_URL": f"http://{other}" for other in service.calls}
    return {**called, **_of_image(service.image, config, database_host), **service.env}


def _of_image(image: str, config: Config, database_host: str) -> dict[str, str]:
    model = config.model
    about_model = {
        "LM_MODEL_NAME": model.name,
        "LM_CONTEXT": str(model.context),
        "LM_MAX_TOKENS": str(model.max_tokens),
    }
    match image:
        case "chat-ui":
            return about_model
        case "db-api":
            return {"POSTGRES_HOST": database_host, "POSTGRES_DATABASE": config.database.name}
        case "lm-api":
            file = {"LM_MODEL": model.source, "LM_MODEL_SHA256": model.sha256}
            # in an image it lies where model.Dockerfile puts it, and was checked before it went there
            file = {"LM_MODEL": "models/model.gguf"} if model.in_image else file
            chosen = {name: value for name, value in file.items() if value}
            return {**about_model, "LM_SLOTS": str(model.slots), **chosen}
        case _:
            return {}


def scale_of(scale: schema.Scale) -> Scale:
    """Return the bounds and rules of a service's scale section."""
    asked = {"cpu": scale.cpu_percent, "memory": scale.memory_percent}
    return Scale(
        scale.min,
        scale.max,
        scale.concurrency,
        scale.cooldown,
        scale.polling,
        utilization={resource: percent for resource, percent in asked.items() if percent is not None},
        windows=tuple(Window(name=name, **window.model_dump()) for name, window in scale.schedule.items()),
    )
