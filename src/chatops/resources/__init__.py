"""The kinds of resources that a stack is made of, one file each. This listing is the list of supported services.

The files that it does not name are what kinds have in common (`arm`, `host`, `domain_entry`), the values that an app is
made of (`app_parts`), and resources as one verb alone sees them: `size`, `serving`, `power` and `proof` of what is
there, `orphan` and `stored_image` of what can only go.
"""

from chatops.resources.app import ContainerApp
from chatops.resources.arm import ArmResource
from chatops.resources.binding import Binding
from chatops.resources.budget import Budget
from chatops.resources.database import PostgresDatabase
from chatops.resources.dns_link import PrivateDnsLink
from chatops.resources.dns_record import DnsRecord
from chatops.resources.dns_zone import PrivateDnsZone
from chatops.resources.environment import ManagedEnvironment
from chatops.resources.group import ResourceGroup
from chatops.resources.hostname import HostName
from chatops.resources.identity import ManagedIdentity
from chatops.resources.image import Image
from chatops.resources.managed_certificate import ManagedCertificate
from chatops.resources.network import VirtualNetwork
from chatops.resources.own_certificate import OwnCertificate
from chatops.resources.postgres import PostgresServer
from chatops.resources.public_zone import PublicDnsZone
from chatops.resources.registrar_record import RegistrarRecord
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
    PublicDnsZone,
    DnsRecord,
    ManagedCertificate,
    OwnCertificate,
)
KINDS = (*ARM_KINDS, Image, RegistrarRecord, HostName, Binding)

__all__ = [
    "ARM_KINDS",
    "KINDS",
    "ArmResource",
    "Binding",
    "Budget",
    "ContainerApp",
    "ContainerRegistry",
    "DnsRecord",
    "HostName",
    "Image",
    "KeyVault",
    "LogWorkspace",
    "ManagedCertificate",
    "ManagedEnvironment",
    "ManagedIdentity",
    "OwnCertificate",
    "PostgresDatabase",
    "PostgresServer",
    "PrivateDnsLink",
    "PrivateDnsZone",
    "PublicDnsZone",
    "RegistrarRecord",
    "ResourceGroup",
    "RoleAssignment",
    "VaultSecret",
    "VirtualNetwork",
]
