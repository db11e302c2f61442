"""llama.cpp as a real OpenAI-compatible server with the demo model: `python chat_ui_model.py MODEL`."""

import os
import signal
import sys


def main(path: str) -> None:
    """Serve on a free loopback port and print where."""
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # the default spin collapses when another process wants the core
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {"demo"}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel, params.n_ctx, params.kv_unified = 4, 4096, False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 64
    params.sampling.temp = 0.0
    params.ui = False
    server = xllamacpp.Server(params)
    print(f"running on {server.listening_address}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
