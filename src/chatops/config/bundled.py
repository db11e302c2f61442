"""Where the images' build contexts and the bundled configs lie: in the installed package, or in a checkout's root."""

from __future__ import annotations

from pathlib import Path

from chatops.errors import ConfigError, Problem

IMAGES = ("chat-ui", "db-api", "lm-api")
"""The bundled images, in the stack's order."""
CONFIGS = ("local", "azure", "small", "domain")


def _root() -> Path:
    package = Path(__file__).resolve().parents[1]
    installed = package / "bundled"
    return installed if installed.is_dir() else package.parents[1]


def image_context(image: str) -> Path:
    """The folder with the Dockerfile of `Service.image`: a bundled image's, or the absolute path that it already is."""
    return _root() / "app_images" / image if image in IMAGES else Path(image)


def config_file(name: str) -> Path:
    """The bundled config `name`, one of CONFIGS. Raises ConfigError when there is none of that name."""
    path = _root() / "configs" / f"{name}.yaml"
    if name not in CONFIGS:
        raise ConfigError([Problem(name, None, None, "", "no such bundled config", "one of: " + ", ".join(CONFIGS))])
    return path
