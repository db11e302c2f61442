"""The registry's own build service (ACR quick build): upload the context, schedule a run, wait. No Docker is needed.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview#quick-task
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from gzip import GzipFile
from typing import IO, Any

from chatops.azure.calls import calling, raw_json
from chatops.azure.clients import Azure
from chatops.errors import Interrupted, NotReachable, OperationFailed, UsageError
from chatops.images.builder import Report, Target
from chatops.images.context import Context

Run = tuple[str, str, str]
"""Resource group, registry and id of a run."""

RUNNING = ("Queued", "Started", "Running")
POLL_SECONDS = 0.5
# for one piece of it: the socket's own timeout
UPLOAD_TIMEOUT = 300
# how long a silent log is listened to before the run's status and Ctrl-C are looked at again
LOG_TIMEOUT = 3
LAST_LINES = 20


@dataclass(frozen=True)
class RegistryBuilder:
    """Lets the registry build."""

    def base_digest(self, base: str) -> str | None:
        """Not known: the registry takes the base image as it finds it when it builds."""
        return None

    def base_name(self, azure: Azure, registry: str, image: str) -> str:
        return f"{registry}{azure.cloud.registry_suffix}/{image}"

    def make(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        raise UsageError(f"building {target.label}: the registry keeps what it builds", hint="chatops images push")

    def build(self, azure: Azure, target: Target, context: Context, report: Report) -> None:
        """Build and wait. Raises OperationFailed with the end of the build's log."""
        place = (target.group, target.registry)
        with calling("building", target.label), tempfile.TemporaryFile() as archive:
            upload = azure.registry_tasks.registries.get_build_source_upload_url(*place)
            report("uploading the context")
            # the best compression would take minutes for a model, and gain nothing
            with GzipFile(fileobj=archive, mode="wb", compresslevel=1, mtime=0) as zipped:
                context.write(zipped)
            archive.seek(0)
            _upload(azure, str(upload.upload_url), archive, target.label)
            request = _request(str(upload.relative_path), target.name, context)
            run = azure.registry_tasks.registries.schedule_run(*place, request)
            self._wait(azure, (*place, str(run.run_id)), target.label, report)

    def forget(self, azure: Azure, registry: str) -> None:
        """Nothing is left here: its builds went with the registry."""

    def _wait(self, azure: Azure, run: Run, label: str, report: Report) -> None:
        log: list[str] = []
        while (status := _status(azure, run)) in RUNNING:
            log = _follow(azure, run, len(log), report) or log
            if azure.stop.wait(POLL_SECONDS):
                raise Interrupted("stopped waiting; the registry goes on building")
        if status != "Succeeded":
            end = "\n".join((_follow(azure, run, len(log), report) or log)[-LAST_LINES:])
            raise OperationFailed(f"building {label}", f"the registry's build ended as {status}:\n{end}", code=status)


def _request(source: str, image: str, context: Context) -> dict[str, Any]:
    arguments = [{"name": name, "value": value, "isSecret": False} for name, value in context.arguments.items()]
    return {
        "type": "DockerBuildRequest",
        "imageNames": [image],
        "isPushEnabled": True,
        "dockerFilePath": "Dockerfile",
        "sourceLocation": source,
        "platform": {"os": "Linux", "architecture": "amd64"},
        "arguments": arguments,
    }


def _status(azure: Azure, run: Run) -> str:
    answer: Any = azure.registry_tasks.runs.get(*run, cls=raw_json)
    return str(answer["properties"]["status"])


def _upload(azure: Azure, url: str, archive: IO[bytes], label: str) -> None:
    import requests

    headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
    verify = azure.cloud.ca_file or True
    try:
        requests.put(url, data=archive, headers=headers, verify=verify, timeout=UPLOAD_TIMEOUT).raise_for_status()
    except requests.RequestException as error:
        status = error.response.status_code if error.response is not None else None
        # the URL holds a signature, and the library's message the URL
        raise NotReachable(f"uploading the context of {label}", type(error).__name__, status=status) from None


def _follow(azure: Azure, run: Run, seen: int, report: Report) -> list[str]:
    """Return the log's lines and report those after the first `seen` as they come. No log yet is an empty one."""
    import requests

    lines: list[str] = []
    link = str(azure.registry_tasks.runs.get_log_sas_url(*run).log_link)
    # a log that cannot be read, or says nothing for a while, is asked again with the run's next status
    with suppress(requests.RequestException):
        answer = requests.get(link, verify=azure.cloud.ca_file or True, timeout=LOG_TIMEOUT, stream=True)
        for line in answer.iter_lines(chunk_size=None, decode_unicode=True) if answer.ok else ():
            lines.append(str(line))
            if len(lines) > seen and line.strip():
                report(str(line).strip())
            if azure.stop.is_set():
                break
    return lines
