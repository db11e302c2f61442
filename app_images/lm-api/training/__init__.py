"""How the demo model is made: corpus, tokenizer, training, export to GGUF, evaluation in real llama.cpp.

A developer's step, not part of the image. README.md says how to run it and what was measured.
"""
