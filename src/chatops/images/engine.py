"""A Docker engine: found where `docker` itself would look, asked through its SDK, its failures translated.

https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from chatops.errors import ChatopsError, NotReachable, OperationFailed

if TYPE_CHECKING:
    from docker import DockerClient

Message = Mapping[str, Any]
"""One object of the stream that a build, pull or push answers with."""

USUAL_SOCKET = "unix:///var/run/docker.sock"
START = "start Docker (Linux: sudo systemctl start docker), and see that `docker version` shows a server"
GOES_ON = "start Docker, then run the same command again: steps and layers that are done are not repeated"
ANSWER_SECONDS = 10
# a build step may be silent for as long as a compiler takes
SILENT_SECONDS = 3600
LISTEN_SECONDS = 0.2


@dataclass(frozen=True)
class Engine:
    """An engine that answered; `host` is where."""

    client: DockerClient
    host: str
    version: str

    def __str__(self) -> str:
        return f"Docker {self.version} at {self.host}"

    def has(self, image: str) -> bool:
        """Tell whether an image is here."""
        from docker.errors import ImageNotFound

        with translated("looking for", f"image '{image}'"):
            try:
                self.client.images.get(image)
            except ImageNotFound:
                return False
        return True

    def tag(self, image: str, name: str) -> None:
        """Give an image that is here another name; one that had it loses it."""
        with translated("naming", f"image '{image}'"):
            self.client.images.get(image).tag(name)

    def forget(self, prefix: str) -> None:
        """Take away all names that begin so; layers that have no other name go with them."""
        with translated("removing", f"images of '{prefix}'"):
            listed: Any = self.client.api.images()
            for name in [name for image in listed for name in image["RepoTags"] or () if name.startswith(prefix)]:
                self.client.images.remove(name)

    def digest_of(self, image: str) -> str | None:
        """Return the digest of an image that is here, else the one that its registry would give; None when unknown."""
        from docker.errors import APIError, ImageNotFound

        with translated("looking for", f"image '{image}'"):
            try:
                found = self.client.images.get(image)
                digests = dict(str(digest).split("@", 1) for digest in found.attrs.get("RepoDigests") or ())
                return digests.get(_repository(image), str(found.id))
            except ImageNotFound:
                pass
            try:
                known: Any = self.client.images.get_registry_data(image)
                return str(known.id)
            except APIError:
                return None


def _repository(image: str) -> str:
    """Return an image's name as the engine writes it, without its tag."""
    name, colon, tag = image.rpartition(":")
    whole = name if colon and "/" not in tag else image
    return whole.removeprefix("docker.io/").removeprefix("library/")


def find() -> Engine:
    """Return the engine of DOCKER_HOST, of docker's current context, or of the usual socket. Raises NotReachable."""
    from docker import DockerClient
    from docker.errors import DockerException
    from requests import RequestException

    host, options = _place()
    try:
        client = DockerClient(base_url=host, version="auto", timeout=ANSWER_SECONDS, **options)
        version = str(client.version()["Version"])
    except (DockerException, RequestException) as error:
        raise NotReachable("looking for a Docker engine", f"none answers at {host}", hint=START) from error
    client.api.timeout = SILENT_SECONDS
    return Engine(client, host, version)


def _place() -> tuple[str, dict[str, Any]]:
    """Return an engine's address, and its TLS settings where docker's context has some."""
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    if os.environ.get("DOCKER_HOST"):
        options: dict[str, Any] = {**kwargs_from_env()}
        return str(options.pop("base_url")), options
    context = ContextAPI.get_current_context()
    if context is None or not context.Host:
        return USUAL_SOCKET, {}
    tls = context.TLSConfig
    return str(context.Host), {"tls": tls} if tls else {}


@contextmanager
def translated(doing: str, label: str) -> Iterator[None]:
    """Translate what the SDK and its connection raise into OperationFailed."""
    from docker.errors import APIError, DockerException
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    what = f"{doing} {label}"
    try:
        yield
    except APIError as error:
        raise OperationFailed(what, _sentence(str(error.explanation or error))) from error
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise gone(what) from error


def gone(what: str) -> OperationFailed:
    """The error of an engine that was there and no longer is."""
    return OperationFailed(what, "the Docker engine stopped answering", hint=GOES_ON)


def _sentence(text: str) -> str:
    return " ".join(text.split()) or "the engine refused without a reason"


def listen(begin: Callable[[], Iterator[Any]], stop: Event, what: str) -> Iterator[Message]:
    """Yield the messages of a stream as they come. Raises ChatopsError once `stop` is set, however silent it is."""
    from docker.errors import DockerException
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    heard: SimpleQueue[Message | Exception | None] = SimpleQueue()

    def pump() -> None:
        try:
            for message in begin():
                heard.put(message)
            heard.put(None)
        except (DockerException, RequestException, HTTPError, OSError) as error:
            heard.put(error)

    # the engine ends a build or push when its client goes: with this process
    Thread(target=pump, name="docker", daemon=True).start()
    while not stop.is_set():
        try:
            message = heard.get(timeout=LISTEN_SECONDS)
        except Empty:
            continue
        if message is None:
            return
        if isinstance(message, Exception):
            raise message
        yield message
    raise ChatopsError(f"{what}: stopped", hint="the same command goes on: what is done is not repeated")
