"""Time and trouble on demand: how long things take, which calls go wrong and how, and how many are let through."""
