"""How each provider reports each verb: the table of long-running operations, as recorded from the real service."""

from __future__ import annotations

from ..polling import ASYNC, LOCATION, SYNC, Style

BOTH = (ASYNC, LOCATION)
NAMED = ("id", "name", "status", "startTime")

_SUB = "/subscriptions/{subscription}/providers/"
_APP = _SUB + "Microsoft.App/locations/{location}/containerappOperation"
_CERTIFICATE = _SUB + "Microsoft.App/locations/{location}/managedCertificateOperation"
_ENV = _SUB + "Microsoft.App/locations/{location}/managedEnvironmentOperation"
_NET = _SUB + "Microsoft.Network/locations/{location}/operation"
_NAMES = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/"
_PRIVATE, _PUBLIC = f"{_NAMES}privateDnsOperation", f"{_NAMES}dnsOperation"
_PG = _SUB + "Microsoft.DBforPostgreSQL/locations/{location}/"
_ACR = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerRegistry/registries/"
_LOG = _SUB + "Microsoft.OperationalInsights/locations/{location}/operation"

_NOTIFY = (("azure-asyncnotification", "Enabled"),)
_TIMEOUT = (("x-ms-async-operation-timeout", "PT15M"),)
_ASYNC_QUERY = "&azureAsyncOperation=true"


def _app(prefix: str, *, patch: bool, sent: tuple[str, ...]) -> Style:
    return Style(
        status=202,
        updated=202,
        headers=sent,
        path=prefix + "Statuses/{token}",
        result=prefix + "Results/{token}",
        answer="nothing",
        fields=NAMED,
        done="resource" if patch else "nothing",
        done_status=200 if patch else 204,
    )


def _app_put(prefix: str, *, spaced: bool = False) -> Style:
    return Style(
        status=201,
        updated=201,
        headers=(ASYNC,),
        path=prefix + "Statuses/{token}",
        query=_ASYNC_QUERY,
        fields=NAMED,
        spaced=spaced,
        extra=_TIMEOUT,
    )


def _postgres(operation: str, *, spaced: bool = False) -> Style:
    return Style(
        status=202,
        updated=202,
        headers=BOTH,
        path=_PG + "azureAsyncOperation/{token}",
        result=_PG + "operationResults/{token}",
        answer=operation,
        fields=("name", "status", "startTime"),
        spaced=spaced,
    )


def _dns(prefix: str, answer: str) -> Style:
    return Style(
        status=202,
        updated=202,
        headers=BOTH,
        path=prefix + "Statuses/{token}",
        result=prefix + "Results/{token}",
        answer=answer,
        polled=202,
        repeats=True,
        form="base64",
    )


STYLES: dict[str, Style] = {
    "sync": SYNC,
    "sync.201": Style(status=201, updated=201),
    "budget.put": Style(status=201, updated=200),
    "identity.put": Style(status=201, updated=200, tells_where=True),
    "sync.200": Style(status=200, updated=200),
    "sync.delete": Style(answer="nothing"),
    "sync.deleted": Style(answer="resource"),
    "group.delete": Style(
        status=202,
        headers=(LOCATION,),
        result="/subscriptions/{subscription}/operationresults/{token}",
        answer="nothing",
        form="job",
    ),
    "network.put": Style(
        status=201, updated=200, headers=(ASYNC,), path=_NET + "s/{token}", extra=_NOTIFY, fields=("status",)
    ),
    "network.delete": Style(
        status=202,
        headers=BOTH,
        path=_NET + "s/{token}",
        result=_NET + "Results/{token}",
        answer="nothing",
        extra=_NOTIFY,
        done_status=204,
    ),
    "privatedns.put": _dns(_PRIVATE, "empty"),
    "privatedns.delete": _dns(_PRIVATE, "nothing"),
    "dns.delete": _dns(_PUBLIC, "nothing"),
    "vault.put": Style(status=200, updated=200, settles=True),
    "vault.purge": Style(
        status=202,
        headers=(LOCATION,),
        result=_SUB + "Microsoft.KeyVault/locations/{location}/operationResults/{token}",
        answer="nothing",
        form="base64",
        running="NotStarted",
        fields=("createdDateTime", "lastActionDateTime", "status"),
        done="status",
    ),
    "postgres.server.put": _postgres("UpsertServerManagementOperationV2"),
    "postgres.server.patch": _postgres("UpsertServerManagementOperationV2", spaced=True),
    "postgres.server.delete": _postgres("DropServerManagementOperation", spaced=True),
    "postgres.server.stop": _postgres("StopServerManagementOperation", spaced=True),
    "postgres.server.start": _postgres("StartServerManagementOperation", spaced=True),
    "postgres.database.put": _postgres("UpsertServerDatabaseManagementOperation"),
    "postgres.database.delete": _postgres("DropServerDatabaseManagementOperation", spaced=True),
    "registry.put": Style(
        status=201,
        updated=201,
        headers=(ASYNC,),
        path=_ACR + "{name}/operationStatuses/{token}",
        running=None,
        form="registry",
    ),
    "registry.delete": Style(
        status=202,
        headers=(LOCATION,),
        result=_SUB + "Microsoft.ContainerRegistry/locations/{location}/operationResults/{token}",
        answer="nothing",
        form="registry",
    ),
    "workspace.put": Style(status=201, updated=200, headers=(LOCATION,), result="{id}"),
    "workspace.delete": Style(
        status=202,
        headers=BOTH,
        path=_LOG + "statuses/{token}",
        result=_LOG + "results/{token}",
        answer="nothing",
        fields=("id", "name", "status", "startTime", "endTime", "properties"),
    ),
    "environment.put": _app_put(_ENV),
    "environment.patch": _app(_ENV, patch=True, sent=(LOCATION,)),
    "environment.delete": _app(_ENV, patch=False, sent=(LOCATION,)),
    "certificate.put": _app_put(_CERTIFICATE, spaced=True),
    "app.put": _app_put(_APP),
    "app.patch": _app(_APP, patch=True, sent=BOTH),
    "app.turn": _app(_APP, patch=True, sent=BOTH),
    "app.delete": _app(_APP, patch=False, sent=BOTH),
}
