"""The kinds of resources that a stack is made of, one file each. This listing is the list of supported services."""

from chatops.resources.app import ContainerApp
from chatops.resources.arm import ArmResource
from chatops.resources.budget import Budget
from chatops.resources.database import PostgresDatabase
from chatops.resources.dns_link import PrivateDnsLink
from chatops.resources.dns_zone import PrivateDnsZone
from chatops.resources.environment import ManagedEnvironment
from chatops.resources.group import ResourceGroup
from chatops.resources.identity import ManagedIdentity
from chatops.resources.image import Image
from chatops.resources.network import VirtualNetwork
from chatops.resources.postgres import PostgresServer
from chatops.resources.registry import ContainerRegistry
from chatops.resources.role import RoleAssignment
from chatops.resources.secret import VaultSecret
from chatops.resources.vault import KeyVault
from chatops.resources.workspace import LogWorkspace

ARM_KINDS: tuple[type[ArmResource], ...] = (
    ResourceGroup,
    VirtualNetwork,
    ManagedIdentity,
    RoleAssignment,
    KeyVault,
    VaultSecret,
    PrivateDnsZone,
    PrivateDnsLink,
    PostgresServer,
    PostgresDatabase,
    ContainerRegistry,
    LogWorkspace,
    ManagedEnvironment,
    ContainerApp,
    Budget,
)
KINDS = (*ARM_KINDS, Image)

__all__ = [
    "ARM_KINDS",
    "KINDS",
    "Budget",
    "ContainerApp",
    "ContainerRegistry",
    "Image",
    "KeyVault",
    "LogWorkspace",
    "ManagedEnvironment",
    "ManagedIdentity",
    "PostgresDatabase",
    "PostgresServer",
    "PrivateDnsLink",
    "PrivateDnsZone",
    "ResourceGroup",
    "RoleAssignment",
    "VaultSecret",
    "VirtualNetwork",
]
