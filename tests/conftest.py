"""Fixtures of all tests."""

from engine import engine

__all__ = ["engine"]
