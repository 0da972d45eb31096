"""Starting the lab's images the way their users do."""

from __future__ import annotations

import io
import tarfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import docker
from ansible_collections.onprem.mlflow.plugins.modules import s3_compare
from docker.errors import ImageNotFound
from docker.models.containers import Container

from lab import mirror, names, supply
from lab.catalogue import Image

# Every character that a shell, an option file, SQL, a URI or Compose might take for its own.
DIFFICULT = "p$a\"b'c\\d#e%f@g:h/i?j k ä$$`;&!*~{}[]|<>"

START_TIMEOUT = 120


@dataclass(frozen=True)
class File:
    """A file that a container finds when it starts."""

    text: str | bytes
    mode: int = 0o644


@dataclass
class Trial:
    """A container under test."""

    container: Container

    def log(self) -> str:
        return self.container.logs().decode(errors="replace")

    def run(self, *arguments: str, user: str = "", environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run a command inside and return its exit code and output."""
        answer: Any = self.container.exec_run(list(arguments), user=user, environment=dict(environment or {}))
        return int(answer.exit_code), str(answer.output.decode()).strip()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until the service inside answers; fail with its log where it ends before."""
        deadline = time.monotonic() + START_TIMEOUT
        while self.runs() and not ready():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.3)
        assert self.runs(), self.log()

    def runs(self) -> bool:
        self.container.reload()
        return bool(self.container.status == "running")

    def ended(self) -> int:
        """Wait until the container has ended and return its exit code."""
        return int(self.container.wait(timeout=START_TIMEOUT)["StatusCode"])

    def stop(self) -> tuple[int, float]:
        """Stop it as `docker stop` does; return its exit code and how long it took."""
        begun = time.monotonic()
        self.container.stop(timeout=30)
        took = time.monotonic() - begun
        return self.ended(), took

    def address(self) -> str:
        """Return the container's address on the network: a client there is not let in for being local."""
        self.container.reload()
        return str(self.container.attrs["NetworkSettings"]["IPAddress"])


def compare(stores: Mapping[str, Mapping[str, str]], bucket: str, **options: Any) -> dict[str, Any]:
    """Compare a bucket of both stores as the module does, with its defaults."""
    defaults = {name: spec.get("default") for name, spec in s3_compare.ARGUMENT_SPEC.items()}
    return s3_compare.compare({**defaults, **stores, "bucket": bucket, **options}, dry_run=False)


def answers(url: str) -> bool:
    """Tell whether a store is ready."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (its own container)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Launcher:
    """Creates containers and removes them, with their volumes, when the tests are through."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._containers: list[Container] = []
        self._volumes: list[str] = []

    def volume(self) -> str:
        """Return a volume for data that outlives a container."""
        name = f"{names.PREFIX}-contract-{uuid.uuid4().hex[:8]}"
        self._client.volumes.create(name, labels=names.labels("contract"))
        self._volumes.append(name)
        return name

    def start(self, image: Image, *, files: Mapping[str, File] | None = None, **settings: Any) -> Trial:
        """Start a container that finds *files* (absolute path to content) inside."""
        return self.start_of(self.image(image), image.folder, files=files, **settings)

    def start_of(self, image: str, title: str, *, files: Mapping[str, File] | None = None, **settings: Any) -> Trial:
        """Start a container of an image that is not in the mirror."""
        container = self._client.containers.create(
            image,
            name=f"{names.PREFIX}-contract-{title}-{uuid.uuid4().hex[:8]}",
            labels=names.labels("contract"),
            **settings,
        )
        self._containers.append(container)
        if files:
            container.put_archive("/", _archive(files))
        container.start()
        return Trial(container)

    def close(self) -> None:
        for container in self._containers:
            container.remove(force=True, v=True)
        for name in self._volumes:
            self._client.volumes.get(name).remove()

    def image(self, image: Image) -> str:
        """Have an image in the engine, and return its name."""
        local = supply.local_name(image)
        try:
            self._client.images.get(local)
        except ImageNotFound:
            registry = mirror.connect(self._client)
            pulled = self._client.images.pull(f"{registry.address}/{image.repository}", image.tag)
            pulled.tag(local)
        return local


def _archive(files: Mapping[str, File]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, file in files.items():
            content = file.text.encode() if isinstance(file.text, str) else file.text
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(content)
            entry.mode = file.mode
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def zstd_frame(text: str) -> bytes:
    """Return *text* as a zstd file of one block that is stored, not compressed."""
    content = text.encode()
    assert len(content) < 256
    block = (len(content) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + b"\x20" + bytes([len(content)]) + block + content
