"""How results are shown: to people (a terminal or plain lines) and to programs (JSON). Views never compute."""
