"""Hosts a runtime with an app in a container till it is killed; arguments: home, cache, engine's socket, image."""

import asyncio
import sys
from pathlib import Path

from chatops.localcloud.runtime.docker.containers import Source
from chatops.localcloud.runtime.docker.engine import Engine
from chatops.localcloud.runtime.local import Docker, LocalRuntime
from chatops.localcloud.runtime.spec import AppSpec


async def main():
    home, cache, socket, image = sys.argv[1:]
    docker = Docker(Engine(socket), lambda images, name: Source(image))
    runtime = LocalRuntime(Path(home), Path(cache), Path(home) / "logs", docker=docker)
    await runtime.start()
    await runtime.put_app(AppSpec("/x/web", "web", "/env", "web--r1", "tiny:1", fqdn="web.domain", external=True))
    print("up", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
