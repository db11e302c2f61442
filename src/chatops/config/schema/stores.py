"""Where things are kept: secrets, the conversation, images and logs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from chatops.config.schema.rules import Says, Section, matching, number_as_text, refuse

BURSTABLE = tuple(f"Standard_B{size}" for size in ("1ms", "2s", "2ms", "4ms", "8ms", "12ms", "16ms", "20ms"))
STORAGE_GB = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767)
Version = Literal["13", "14", "15", "16", "17", "18"]
BareVersion = Literal[13, 14, 15, 16, 17, 18]
OWN_DATABASES = ("postgres", "azure_maintenance", "azure_sys", "template0", "template1")


def _burstable_exists(value: str) -> str:
    if value.startswith("Standard_B") and value not in BURSTABLE:
        raise refuse(f"Azure has no PostgreSQL server of size {value}", f"one of: {', '.join(BURSTABLE)}")
    return value


def _storage_size(value: int) -> int:
    if value not in STORAGE_GB:
        larger = next((size for size in STORAGE_GB if size >= value), STORAGE_GB[-1])
        raise refuse(f"{value} is not a size that Azure offers", _one_of(STORAGE_GB), f"the next size is {larger}")
    return value


def _one_of(values: tuple[Any, ...]) -> str:
    return "one of: " + ", ".join(str(value) for value in values)


def _not_the_servers_own(value: str) -> str:
    if value in OWN_DATABASES:
        raise refuse(f'"{value}" is a database that every server has for itself', "another name")
    return value


class Vault(Section):
    """The key vault that holds the stack's secrets."""

    purge_protection: bool = Field(
        default=False,
        description="Forbid anyone to purge a deleted vault early. Azure never lets you turn this off again.",
    )
    soft_delete_days: Annotated[int, Field(ge=7, le=90)] = Field(
        default=7, description="Days that a deleted vault can be recovered. Fixed once the vault is made."
    )


class Database(Section):
    """The PostgreSQL flexible server, reachable only from inside the network."""

    name: Annotated[
        str,
        matching(r"[a-z_][a-z0-9_]{0,62}"),
        AfterValidator(_not_the_servers_own),
        Says("1 to 63 lower-case letters, digits and underscores, no digit first"),
    ] = Field(default="chat", description="Name of the database on the server.")
    sku: Annotated[
        str,
        matching(r"Standard_(B\d+m?s|[DE]\d+[a-z]*_v\d)"),
        AfterValidator(_burstable_exists),
        Says("a size like Standard_B1ms, Standard_D2ds_v5 or Standard_E4ds_v5"),
    ] = Field(
        default="Standard_B1ms", description="Compute size. B is burstable, D general purpose, E memory optimized."
    )
    storage_gb: Annotated[int, AfterValidator(_storage_size), Says(_one_of(STORAGE_GB))] = Field(
        default=32, description="Storage in GB. It can grow later, never shrink."
    )
    version: Annotated[Version, BeforeValidator(number_as_text, json_schema_input_type=Version | BareVersion)] = Field(
        default="16", description="Major version of PostgreSQL."
    )
    backup_days: Annotated[int, Field(ge=7, le=35)] = Field(default=7, description="Days that backups are kept.")

    @property
    def tier(self) -> Literal["Burstable", "GeneralPurpose", "MemoryOptimized"]:
        """Azure's pricing tier, which the size's family decides."""
        match self.sku.removeprefix("Standard_")[0]:
            case "B":
                return "Burstable"
            case "D":
                return "GeneralPurpose"
            case _:
                return "MemoryOptimized"


class Registry(Section):
    """The container registry for the stack's images."""

    sku: Literal["Basic", "Standard", "Premium"] = Field(
        default="Standard", description="Service tier of the registry."
    )


class Logs(Section):
    """The Log Analytics workspace that takes the apps' logs."""

    retention_days: Annotated[int, Field(ge=30, le=730)] = Field(default=30, description="Days that logs are kept.")
    daily_cap_gb: Annotated[float, Field(ge=0.023, le=4000)] = Field(
        default=1.0, description="GB of logs a day at most; Azure drops what comes after. It bounds the bill."
    )
