"""The life of the service: open the port, get the model, start the engine, serve, drain."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

from aiohttp import web

from lm_api.download import Download, cached
from lm_api.engine_process import running_engine
from lm_api.errors import StartError
from lm_api.gate import Gate
from lm_api.model import check_gguf, check_sha256, is_url
from lm_api.settings import Settings

log = logging.getLogger("lm-api")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight; raises StartError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gate = Gate(settings)
    stopped = asyncio.create_task(stop.wait())
    async with _background(_run_engine(gate, settings)) as engine, _listening(gate, settings):
        await asyncio.wait((stopped, engine), return_when=asyncio.FIRST_COMPLETED)
        if engine.done():
            engine.result()
        log.info("stopping: %d requests in flight", gate.in_flight)
        gate.state = "stopping"
    log.info("stopped")


@contextlib.asynccontextmanager
async def _listening(gate: Gate, settings: Settings) -> AsyncIterator[None]:
    """The open port; at the end new connections are refused and requests in flight finish."""
    runner = web.AppRunner(
        gate.application(), access_log=None, handler_cancellation=True, shutdown_timeout=settings.drain
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        reason = (error.strerror or str(error)).split(": ")[-1]
        raise StartError(f"cannot listen on {settings.host}:{settings.port}: {reason}") from None
    else:
        log.info("listening on http://%s:%d", settings.host, settings.port)
        yield
    finally:
        await runner.cleanup()
        await gate.close()


@contextlib.asynccontextmanager
async def _background(work: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def _run_engine(gate: Gate, settings: Settings) -> None:
    """Get the model, run the engine on it and open the gate; ends only with StartError."""
    model = await _model_file(gate, settings)
    gate.state = "loading the model"
    async with running_engine(model) as engine:
        gate.open(engine.socket)
        log.info("ready: %s in %d slots on %d threads", model.name, settings.slots, settings.threads)
        raise StartError(f"the engine ended by itself: {await engine.ended()}")


async def _model_file(gate: Gate, settings: Settings) -> Path:
    if is_url(settings.model):
        gate.state = "downloading the model"
        return await cached(Download(settings.model, settings.model_sha256), settings.cache)
    path = Path(settings.model).expanduser()
    check_gguf(path)
    await asyncio.to_thread(check_sha256, path, settings.model_sha256)
    return path
