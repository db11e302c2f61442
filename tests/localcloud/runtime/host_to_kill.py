"""Hosts a runtime with an app and a database server till it is killed; arguments: home, cache, logs, app settings."""

import asyncio
import sys
from pathlib import Path

from chatops.localcloud.runtime.local import LocalRuntime
from chatops.localcloud.runtime.spec import AppSpec


async def main():
    home, cache, logs, *stubborn = sys.argv[1:]
    runtime = LocalRuntime(Path(home), Path(cache), Path(logs))
    await runtime.start()
    await runtime.put_server("/x/flexibleservers/db", "16", "admin", "password-of-admin")
    spec = AppSpec("/x/web", "web", "/env", "web--r1", "chatreg.azurecr.io/tiny:1", fqdn="web.domain", external=True)
    spec.env.update(dict.fromkeys(stubborn, "1"))
    await runtime.put_app(spec)
    (replica,) = runtime.app_status("/x/web").replicas
    print(replica.pid, runtime._servers._running["/x/flexibleservers/db"].pid, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
