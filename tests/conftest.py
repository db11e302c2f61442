"""Fixtures of all tests, and how properties are tried: the same examples each time, however slow the machine."""

from engine import engine
from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
settings.load_profile("steady")

__all__ = ["engine"]
