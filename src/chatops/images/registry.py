"""The registry's own build service (ACR quick build): upload the context, schedule a run, wait. No Docker is needed.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview#quick-task
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, raw_json
from chatops.azure.clients import Azure
from chatops.errors import Interrupted, NotReachable, OperationFailed
from chatops.images.context import Context

Report = Callable[[str], None]
Run = tuple[str, str, str]
"""Resource group, registry and id of a run."""

RUNNING = ("Queued", "Started", "Running")
POLL_SECONDS = 0.5
UPLOAD_TIMEOUT = 300
# how long a silent log is listened to before the run's status and Ctrl-C are looked at again
LOG_TIMEOUT = 3
LAST_LINES = 20


@dataclass(frozen=True)
class RegistryBuild:
    """An image source (`resources.image.Source`) that the registry builds."""

    context: Context

    @property
    def tag(self) -> str:
        return self.context.tag

    def build(self, azure: Azure, registry_id: str, repository: str, report: Report) -> None:
        """Build and wait. Raises OperationFailed with the end of the build's log."""
        group, registry = registry_id.split("/")[4], registry_id.rsplit("/", 1)[-1]
        label = f"image '{repository}:{self.tag}'"
        with calling("building", label):
            target = azure.registry_tasks.registries.get_build_source_upload_url(group, registry)
            report("uploading the context")
            _upload(azure, str(target.upload_url), self.context.archive(), label)
            request = self._request(str(target.relative_path), f"{repository}:{self.tag}")
            run = azure.registry_tasks.registries.schedule_run(group, registry, request)
            self._wait(azure, (group, registry, str(run.run_id)), label, report)

    def _request(self, source: str, image: str) -> dict[str, Any]:
        arguments = [
            {"name": name, "value": value, "isSecret": False} for name, value in self.context.arguments.items()
        ]
        return {
            "type": "DockerBuildRequest",
            "imageNames": [image],
            "isPushEnabled": True,
            "dockerFilePath": "Dockerfile",
            "sourceLocation": source,
            "platform": {"os": "Linux", "architecture": "amd64"},
            "arguments": arguments,
        }

    def _wait(self, azure: Azure, run: Run, label: str, report: Report) -> None:
        log: list[str] = []
        while (status := _status(azure, run)) in RUNNING:
            log = _follow(azure, run, len(log), report) or log
            if azure.stop.wait(POLL_SECONDS):
                raise Interrupted("stopped waiting; the registry goes on building")
        if status != "Succeeded":
            end = "\n".join((_follow(azure, run, len(log), report) or log)[-LAST_LINES:])
            raise OperationFailed(f"building {label}", f"the registry's build ended as {status}:\n{end}", code=status)


def _status(azure: Azure, run: Run) -> str:
    answer: Any = azure.registry_tasks.runs.get(*run, cls=raw_json)
    return str(answer["properties"]["status"])


def _upload(azure: Azure, url: str, archive: bytes, label: str) -> None:
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
