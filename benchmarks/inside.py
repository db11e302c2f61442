"""Steps of a drill that the command line has no words for: an image that is nowhere, a secret lost and found."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from chatops.cli.options import Output
from chatops.cli.session import Session, open_session
from chatops.engine.plan import plan_up
from chatops.resources.app import ContainerApp

SECRET = "session-key"  # noqa: S105


def missing_image(session: Session) -> None:
    """Deploy lm-api by a digest that no registry has."""
    app = next(one for one in session.resources if one.address == "app/lm-api")
    assert isinstance(app, ContainerApp)  # noqa: S101
    image = f"{app.registry_server}/lm-drill@sha256:{'0' * 64}"
    nowhere = replace(app, needs=(), container=replace(app.container, image=lambda _: image))
    session.carry_out(plan_up([nowhere], session.observe([nowhere])))


def vault(session: Session) -> str:
    return next(one for one in session.resources if one.address == "vault").id.rsplit("/", 1)[-1]  # type: ignore[attr-defined]


def main() -> None:
    verb, folder = sys.argv[1:]
    os.chdir(folder)
    session = open_session(Path(folder) / "chatops.yaml", Output.human)
    if verb == "--missing-image":
        missing_image(session)
    elif verb == "--lose-secret":
        session.azure.secrets(vault(session)).begin_delete_secret(SECRET).wait()
    elif verb == "--find-secret":
        session.azure.secrets(vault(session)).begin_recover_deleted_secret(SECRET).wait()


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - what the drill looks at is the message
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
