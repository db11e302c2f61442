"""What Azure refuses in a container app before anything runs: sizes, scale, secrets, identities, images."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NoReturn

from ..data.secrets import Shelf, version_of
from ..errors import ArmError
from ..store import Body, Record
from ..world import World
from . import registry
from .identities import assigned
from .kind import Change
from .roles import authorize
from .scale_rules import check_scale
from .vaults import DOMAIN, by_name

GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"  # noqa: S105
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
CONSUMPTION = "Consumption"
LONGEST_REVISION = 54
PAIRS = [(Decimal(step) / 4, Decimal(step) / 2) for step in range(1, 17)]


def refuse(code: str, message: str, status: int = 400) -> NoReturn:
    raise ArmError(status, code, message)


def invalid(field: str, details: str) -> NoReturn:
    """How Container Apps says that a value in the template or the secrets cannot be used."""
    text = (
        f"The following field(s) are either invalid or missing. Field '{field}' is invalid with details: '{details}';."
    )
    refuse("InvalidParameterValueInContainerTemplate", text)


def check(change: Change) -> None:
    """Every rule in the order in which Azure meets them; the first broken one is raised."""
    _environment(change)
    _identities(change)
    _suffix(change)
    containers = change.properties["template"].get("containers") or []
    if not containers:
        refuse("ContainerAppImageRequired", "A container app must have at least one container with an image.")
    _one_container(containers)
    if _profile(change) == CONSUMPTION:
        _sizes(containers)
    check_scale(change.properties["template"].get("scale") or {})
    _traffic(change)
    secrets = _secrets(change)
    _references(change, secrets)
    for container in containers:
        _image(change, container)


def _environment(change: Change) -> None:
    wanted = change.properties
    id = wanted.get("environmentId") or wanted.get("managedEnvironmentId")
    if not id:
        refuse("ContainerAppEnvironmentIdRequired", "The property 'environmentId' is required for a container app.")
    wanted["environmentId"] = wanted["managedEnvironmentId"] = id
    environment = change.world.store.find(id)
    if environment is None:
        refuse("ManagedEnvironmentNotFound", f"The environment '{id}' could not be found.", 404)
    if environment.properties["provisioningState"] != "Succeeded":
        text = f"The environment '{environment.id}' has not been provisioned successfully."
        refuse("ManagedEnvironmentNotProvisioned", text)
    if change.previous and str(change.previous.properties["environmentId"]).lower() != id.lower():
        refuse("ContainerAppEnvironmentChangeNotAllowed", "The environment of a container app cannot be changed.")


def _identities(change: Change) -> None:
    identity = change.record.body.get("identity") or {}
    wanted = identity.get("userAssignedIdentities") or {}
    known = {record.key for record in assigned(change.world, identity)}
    for id in wanted:
        if id.lower() not in known:
            text = f"Identity operation for resource '{change.record.id}' failed with error"
            refuse("FailedIdentityOperation", f"{text} 'Resource '{id}' was not found.'")


def _suffix(change: Change) -> None:
    suffix = change.properties["template"].get("revisionSuffix")
    name = f"{change.record.name}--{suffix}"
    if suffix and (len(name) > LONGEST_REVISION or not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", str(suffix))):
        text = (
            f"Revision name has an invalid value '{suffix}'. A revision name must consist of lower case alphanumeric "
            "characters or '-', start with an alphabetic character, and end with an alphanumeric character. The length "
            f"of the revision name must not be more than a combined {LONGEST_REVISION} characters with the container "
            "app name."
        )
        refuse("ContainerAppInvalidRevisionName", text)


def _one_container(containers: list[Body]) -> None:
    only = containers[0]
    if len(containers) > 1 or only.get("command") or only.get("args"):
        text = "The local cloud runs one container per replica, with the command of its image."
        refuse("ContainerAppNotSupportedLocally", text)
    for probe in only.get("probes") or []:
        if "httpGet" not in probe:
            refuse("ContainerAppNotSupportedLocally", "The local cloud runs HTTP probes only.")


def _profile(change: Change) -> str:
    """The type of the workload profile that the app is to run on; the environment must have it."""
    environment = change.world.store.find(change.properties["environmentId"])
    profiles = environment.properties.get("workloadProfiles") or [] if environment else []
    types = {str(one["name"]).lower(): str(one["workloadProfileType"]) for one in profiles}
    wanted = str(change.properties.get("workloadProfileName") or CONSUMPTION)
    if profiles and wanted.lower() not in types:
        text = f"The workload profile '{wanted}' does not exist in the environment."
        refuse("WorkloadProfileNotFound", text)
    return types.get(wanted.lower(), CONSUMPTION)


def _sizes(containers: list[Body]) -> None:
    try:
        cpu = sum((Decimal(str(one["resources"].get("cpu", 0))) for one in containers), Decimal(0))
        memory = sum((gibibytes(one["resources"].get("memory", "")) for one in containers), Decimal(0))
    except (ArithmeticError, ValueError):
        refuse("ContainerAppInvalidResourceTotal", "CPU must be a number and memory like '0.5Gi'.")
    if (cpu, memory) not in PAIRS:
        offered = "; ".join(f"[cpu: {cores}, memory: {gib}Gi]" for cores, gib in PAIRS)
        text = (
            f"The total requested CPU and memory resources for this application (CPU: {cpu}, memory: {memory}) is "
            "invalid. Total CPU and memory for all containers defined in a Container App must add up to one of the "
            f"following CPU - Memory combinations: {offered}"
        )
        refuse("ContainerAppInvalidResourceTotal", text)


def gibibytes(text: str) -> Decimal:
    """`0.5Gi` or `512Mi` as GiB; ValueError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(Gi|Mi)", str(text))
    if not found:
        raise ValueError(f"'{text}' is no amount of memory")
    return Decimal(found[1]) / (1 if found[2] == "Gi" else 1024)


def _traffic(change: Change) -> None:
    """Weights make 100 of revisions that there are; in Single mode nothing is split, so nothing is asked."""
    configuration = change.properties["configuration"]
    traffic = (configuration.get("ingress") or {}).get("traffic") or []
    if str(configuration.get("activeRevisionsMode")).lower() != "multiple" or not traffic:
        return
    if (total := sum(int(one.get("weight") or 0) for one in traffic)) != 100:
        refuse("ContainerAppInvalidTrafficWeight", f"The sum of traffic weights must be 100 but is {total}.")
    suffix = change.properties["template"].get("revisionSuffix")
    coming = f"{change.record.name}--{suffix}" if suffix else None
    for one in traffic:
        name = str(one.get("revisionName") or "")
        if not one.get("latestRevision") and name != coming and not _has_revision(change, name):
            refuse(
                "ContainerAppInvalidTrafficRevision", f"Traffic is given to revision '{name}', which does not exist."
            )


def _has_revision(change: Change, name: str) -> bool:
    return bool(name) and change.world.store.find(f"{change.record.id}/revisions/{name}") is not None


def _secrets(change: Change) -> set[str]:
    """Check the secrets that the app declares; what came with a value is in `hidden` afterwards. Returns all names."""
    declared = change.properties["configuration"].get("secrets") or []
    values: dict[str, str] = change.record.hidden.get("secrets", {}) if change.call.method == "PATCH" else {}
    kept = values if not _sends_secrets(change) else {}
    fresh: dict[str, str] = {}
    for secret in declared:
        name = str(secret.get("name"))
        for member in ("keyVaultUrl", "identity"):
            if secret.get(member) == "":
                del secret[member]
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name):
            text = (
                f"Invalid secret name '{name}'. A name must consist of lower case alphanumeric characters, '-' or '.'."
            )
            refuse("ContainerAppInvalidSecretName", text)
        if "keyVaultUrl" in secret:
            vault_value(change.world, change.record, secret)
        elif "value" in secret or name in kept:
            fresh[name] = secret.pop("value", None) or kept[name]
        else:
            text = f"Invalid Request: Container app secret(s) with name(s) '{name}' are invalid"
            refuse("ContainerAppSecretInvalid", f"{text}: value or keyVaultUrl and identity should be provided.")
    change.record.hidden["secrets"] = fresh
    return {str(secret["name"]) for secret in declared}


def _sends_secrets(change: Change) -> bool:
    sent = change.call.body.get("properties", {}).get("configuration") or {}
    return change.call.method == "PUT" or "secrets" in sent


def principal(world: World, app: Record, identity: str) -> str | None:
    """The object id behind an identity that the app names: `system`, or the id of one that is assigned to it."""
    own = app.body.get("identity") or {}
    if identity.lower() == "system":
        return own.get("principalId")
    if identity.lower() not in {id.lower() for id in own.get("userAssignedIdentities") or {}}:
        return None
    record = world.store.find(identity)
    return str(record.properties["principalId"]) if record else None


def vault_value(world: World, app: Record, secret: Body) -> str:
    """The value behind a Key Vault reference of an app."""
    name, identity = secret["name"], str(secret.get("identity", ""))
    if (value := read_vault(world, app, secret["keyVaultUrl"], identity)) is not None:
        return value
    why = f"unable to fetch secret '{name}' using Managed identity '{identity}'"
    text = f'Invalid value: "{name}": Unable to get value using Managed identity {identity} for secret {name}.'
    invalid("configuration.secrets", f"{text} Error: {why}")


def read_vault(world: World, owner: Record, url: str, identity: str) -> str | None:
    """A secret's value, read with an identity of the resource that refers to it; None: it may not, or there is none."""
    oid = principal(world, owner, identity)
    address = rf"https://([^./]+)\.{re.escape(DOMAIN)}/secrets/([^/]+)(?:/([^/]+))?/?"
    found = re.fullmatch(address, url)
    vault = by_name(world, found[1]) if found else None
    if oid and found and vault and authorize(world, oid, GET_SECRET, f"{vault.id}/secrets/{found[2]}", data=True):
        stored = Shelf(world.store, vault.name).find(found[2])
        version = version_of(stored, found[3]) if stored and not stored["deleted"] else None
        if version and version["attributes"]["enabled"]:
            return str(version["value"])
    return None


def _references(change: Change, secrets: set[str]) -> None:
    for container in change.properties["template"]["containers"]:
        for variable in container.get("env") or []:
            if (name := variable.get("secretRef")) is not None and name not in secrets:
                text = f"SecretRef '{name}' defined for container '{container.get('name')}' not found."
                refuse("ContainerAppSecretRefNotFound", text)
    for entry in change.properties["configuration"].get("registries") or []:
        if (name := entry.get("passwordSecretRef")) and name not in secrets:
            text = f"Registry password secret reference '{name}' for server '{entry.get('server')}' not found."
            refuse("ContainerAppRegistriesPasswordSecretRefNotFound", text)


def _image(change: Change, container: Body) -> None:
    """The image must be in a registry of this cloud, and one of the app's identities must be allowed to pull it."""
    image, field = str(container.get("image", "")), f"template.containers.{container.get('name')}.image"
    server = image.split("/")[0].lower()
    found = registry.by_server(change.world, server)
    if found is None:
        text = f'Invalid value: "{image}": GET https://{server}/v2/: the local cloud has no registry of that name'
        invalid(field, text)
    entries = change.properties["configuration"].get("registries") or []
    ours = [entry for entry in entries if str(entry.get("server")).lower() == server]
    if not any(_may_pull(change, found, entry) for entry in ours):
        text = f'Invalid value: "{image}": GET https://{server}/oauth2/token: UNAUTHORIZED: authentication required'
        invalid(field, text)
    if change.world.runtime.image_digest(image) is None:
        text = f'Invalid value: "{image}": GET https://{server}/v2/: MANIFEST_UNKNOWN: manifest is not found'
        invalid(field, text)


def _may_pull(change: Change, server: Record, entry: Body) -> bool:
    """Whether an entry of `registries` opens its registry: by an identity's role or by the admin user's password."""
    if name := entry.get("passwordSecretRef"):
        password = change.record.hidden["secrets"].get(name, "")
        return registry.is_admin(server, str(entry.get("username", "")), password)
    oid = principal(change.world, change.record, str(entry.get("identity", "")))
    return oid is not None and authorize(change.world, oid, PULL, server.id)
