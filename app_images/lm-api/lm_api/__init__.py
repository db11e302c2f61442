"""lm-api: llama.cpp's OpenAI-compatible server behind a thin gate, as one service of the chat stack.

Two processes. The *gate* (this process, `gate.py`) owns the port: it answers `/health` from the first moment, also
while the model is being downloaded or loaded, and refuses or clamps what must not reach the model. The *engine* (a
child, `engine.py`) is llama.cpp's own HTTP server on a Unix socket, with parallel slots and continuous batching.
"""
