"""The schema of the YAML file: one pydantic model a section, a description on every field, Azure's rules checked."""

from chatops.config.schema.domains import Domain
from chatops.config.schema.model import Images, LanguageModel
from chatops.config.schema.money import Budget
from chatops.config.schema.network import Network
from chatops.config.schema.services import Scale, Service, Usage
from chatops.config.schema.stack import PLACEHOLDER, Azure, Config
from chatops.config.schema.stores import Database, Logs, Registry, Vault

__all__ = [
    "PLACEHOLDER",
    "Azure",
    "Budget",
    "Config",
    "Database",
    "Domain",
    "Images",
    "LanguageModel",
    "Logs",
    "Network",
    "Registry",
    "Scale",
    "Service",
    "Usage",
    "Vault",
]
