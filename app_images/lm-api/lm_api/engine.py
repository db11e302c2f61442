"""The engine process: llama.cpp's own HTTP server on a Unix socket.

Started by the gate as `python -m lm_api.engine SOCKET MODEL`. Says "ready" on stdout once the model is loaded and lives
as long as its stdin is open, so that it cannot outlive the gate. A separate process because loading holds Python's
global lock: a gate in the same process could not answer `/health` meanwhile.
"""

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from lm_api.libgomp import prepare_openmp
from lm_api.settings import Settings

if TYPE_CHECKING:
    import xllamacpp  # type: ignore[import-untyped,import-not-found,unused-ignore]

HTTP_THREADS = 128
PROMPT_CACHE_MIB = 256
BUSY_METRICS = ("llamacpp:requests_processing ", "llamacpp:requests_deferred ")


def main() -> None:
    """Load the model, serve until stdin closes, finish what runs, leave."""
    socket, model = sys.argv[1:]
    for ignored in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group; the gate decides when streams may end
        signal.signal(ignored, signal.SIG_IGN)
    prepare_openmp()
    import xllamacpp

    settings = Settings.from_environ(os.environ)
    try:
        server = xllamacpp.Server(parameters(xllamacpp.CommonParams(), settings, socket, model))
    except (RuntimeError, ValueError):
        os._exit(1)  # llama.cpp has written the reason to stderr
    print("ready", flush=True)
    sys.stdin.buffer.read()
    drain(server, settings.drain)
    os._exit(0)  # the server's destructor would wait for clients that keep a stream open


def parameters(params: Any, settings: Settings, socket: str, model: str) -> "xllamacpp.CommonParams":
    """llama.cpp's parameters for these settings."""
    params.model.path = model
    params.model_alias = {settings.model_name}
    params.hostnames = [socket]
    params.n_parallel = settings.slots
    params.cont_batching = True
    params.kv_unified = False
    params.n_ctx = settings.context * settings.slots  # llama.cpp divides it by the slots
    params.n_predict = settings.max_tokens  # a default only: the gate clamps what a client asks for
    params.sampling.temp = settings.temperature
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads
    params.n_threads_http = HTTP_THREADS  # an open stream holds one: too few would starve /health
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.endpoint_metrics = True
    params.endpoint_slots = params.endpoint_props = params.ui = False
    params.cors_origins, params.cors_credentials = "http://localhost", False
    params.fit_params = False  # fitting to a graphics card would shrink the context and load the model twice
    params.verbosity = 1
    return params


def drain(server: "xllamacpp.Server", seconds: float) -> None:
    """Wait until no request runs or waits, at most so many seconds."""
    deadline = time.monotonic() + seconds
    while busy(server.handle_metrics()) and time.monotonic() < deadline:
        time.sleep(0.05)


def busy(metrics: str) -> bool:
    """Whether llama.cpp's metrics show a request that runs or waits for a slot."""
    lines = [line for line in metrics.splitlines() if line.startswith(BUSY_METRICS)]
    return any(float(line.split()[1]) > 0 for line in lines)


if __name__ == "__main__":
    main()
