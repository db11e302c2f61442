"""The whole YAML file: which stack, where, and everything in it. All defaults together are a working stack."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from chatops.config.schema.domains import Domain, HostName, check
from chatops.config.schema.model import Images, LanguageModel
from chatops.config.schema.money import Budget
from chatops.config.schema.network import Network
from chatops.config.schema.rules import NumberAsText, Otherwise, Says, Section, matching, refuse
from chatops.config.schema.services import Service, ServiceName, with_defaults
from chatops.config.schema.stores import Database, Logs, Registry, Vault

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"
"""The subscription id that the bundled Azure configs carry; it loads, and is refused where Azure would be called."""

MAX_TAGS = 45
"""Azure takes 50 on a resource; five are left to chatops and to policies."""


def _region(value: str) -> str:
    """Azure's own name of a region: Germany West Central is germanywestcentral."""
    return value.replace(" ", "").lower()


def _no_final_stop(value: str) -> str:
    if value.endswith("."):
        raise refuse(f'"{value}" ends with a full stop', "a name that ends with a letter, digit, '_', '-', '(' or ')'")
    return value


def _free_tag(value: str) -> str:
    if value.lower().startswith(("chatops", "microsoft", "azure", "windows")):
        raise refuse(f'tags that start like "{value}" are reserved', "another name", "for chatops itself, or for Azure")
    return value


Guid = Annotated[
    str,
    matching(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    AfterValidator(str.lower),
    Says("a GUID like 01234567-89ab-cdef-0123-456789abcdef"),
]
TagName = Annotated[
    str,
    matching(r"[^<>%&\\?/]{1,512}"),
    AfterValidator(_free_tag),
    Says(r"1 to 512 characters, none of < > % & \ ? /"),
]
TagValue = Annotated[str, Field(max_length=256), NumberAsText, Says("text of at most 256 characters")]


class Azure(Section):
    """Where in Azure the stack is to live."""

    subscription: Guid = Field(description="Id of the subscription that pays: `az account show --query id -o tsv`.")
    tenant: Guid | None = Field(
        default=None, description="Id of the Entra tenant. Null: the one that you are signed in to."
    )
    cloud: Literal["public", "usgov", "china"] = Field(
        default="public", description="Which of Azure's clouds: the public one, the US Government's or China's."
    )
    resource_group: (
        Annotated[
            str,
            matching(r"[\w.()-]{1,90}"),
            AfterValidator(_no_final_stop),
            Says("1 to 90 letters, digits, '_', '-', '.', '(' and ')'"),
        ]
        | None
    ) = Field(default=None, description="Name of the resource group. Null: it is named after the stack.")


class Config(Section):
    """A stack, as its YAML file describes it. Made by `chatops.config.load`, which knows the file and its folder."""

    name: Annotated[
        str,
        matching(r"[a-z](-?[a-z0-9])+", at_most=20),
        Says("2 to 20 lower-case letters, digits and single hyphens, a letter first, no hyphen last"),
    ] = Field(default="chat", description="Name of the stack. Every resource's name starts with it.")
    target: Literal["local", "azure"] = Field(
        default="local", description="Where the stack runs: on this machine's local cloud, or on Azure."
    )
    location: Annotated[
        str,
        matching(r"[A-Za-z][A-Za-z0-9 ]{3,39}"),
        AfterValidator(_region),
        Says("an Azure region like germanywestcentral or Germany West Central"),
    ] = Field(default="germanywestcentral", description="Azure region of all resources.")
    azure: Azure | None = Field(default=None, description="Where in Azure. Required when target is azure.")
    tags: dict[TagName, TagValue] = Field(
        default={}, description="Tags for every resource, on top of those of chatops."
    )
    budget: Budget | None = Field(
        default=None,
        description="What a month may cost. Null: no budget. Taking it out later leaves the one that was made.",
    )
    network: Network = Field(default=Network(), description="The private network.")
    vault: Vault = Field(default=Vault(), description="The key vault for the stack's secrets.")
    database: Database = Field(default=Database(), description="The PostgreSQL server and its database.")
    registry: Registry = Field(default=Registry(), description="The registry for the stack's images.")
    logs: Logs = Field(default=Logs(), description="Where the apps' logs go.")
    images: Images = Field(default=Images(), description="How images are built.")
    model: LanguageModel = Field(default=LanguageModel(), description="The language model that answers.")
    services: dict[ServiceName, Service] = Field(
        default={},
        description="The container apps by name. ui, db-api and lm-api are always there; write only what differs.",
    )
    domain: dict[HostName, Domain] = Field(
        default={},
        description="Host names of your own, as chat.example.org; `chatops domain bind` writes them.",
    )

    @field_validator("azure")
    @classmethod
    def _there_when_needed(cls, value: Azure | None, info: ValidationInfo) -> Azure | None:
        if value is None and info.data.get("target") == "azure":
            expected = "a section azure with the id of your subscription"
            hint = "azure: {subscription: ...}; `az account show --query id -o tsv` prints the id"
            missing = "missing, and target is azure"
            raise refuse(
                missing, expected, hint, otherwise=Otherwise("target", "azure, but there is no section azure", expected)
            )
        return value

    @field_validator("tags")
    @classmethod
    def _as_many_as_azure_takes(cls, value: dict[str, str]) -> dict[str, str]:
        if len(value) > MAX_TAGS:
            raise refuse(f"{len(value)} tags", f"at most {MAX_TAGS} tags")
        if len({name.lower() for name in value}) < len(value):
            raise refuse("two tags differ only in upper and lower case", "names that Azure can tell apart")
        return value

    @field_validator("services", mode="before")
    @classmethod
    def _over_the_defaults(cls, value: Any) -> Any:
        return with_defaults(value) if isinstance(value, dict) else value

    @field_validator("domain", mode="before")
    @classmethod
    def _names_alone_are_enough(cls, value: Any) -> Any:
        return {name: given or {} for name, given in value.items()} if isinstance(value, dict) else value

    @field_validator("domain")
    @classmethod
    def _names_fit(cls, value: dict[str, Domain], info: ValidationInfo) -> dict[str, Domain]:
        for host, domain in value.items():
            check(host, domain, info.data.get("services", {}))
        return value
