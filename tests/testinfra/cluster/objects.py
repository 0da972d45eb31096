"""Artifacts that are written through MLflow while something happens to the servers of the object store."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..load import all_the_time

if TYPE_CHECKING:
    from ..conftest import Platform

WRITERS = 2
SECONDS_BETWEEN = 0.3
# Larger than what RustFS keeps beside an object's description.
SIZE = 400_000
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@dataclass
class Written:
    """Which artifacts were acknowledged, and what was answered where one was not."""

    folder: str
    names: list[str] = field(default_factory=list)
    failed: list[int | str] = field(default_factory=list)


def content(name: str) -> bytes:
    """Make what is in an artifact of its name, so that it need not be kept."""
    block = hashlib.sha256(name.encode()).digest()
    return block * (SIZE // len(block))


@contextmanager
def writing(platform: Platform) -> Iterator[Written]:
    """Write artifacts all the time."""
    written = Written(uuid.uuid4().hex)
    numbers = itertools.count()
    login = ("admin", platform.password("admin"))

    def write() -> None:
        path = f"{written.folder}/{next(numbers)}.bin"
        try:
            status = platform.request(f"{ARTIFACTS}/{path}", login, method="PUT", body=content(path)).status
        except OSError as exc:
            written.failed.append(repr(exc))
        else:
            if status == 200:
                written.names.append(path)
            else:
                written.failed.append(status)

    with all_the_time([write] * WRITERS, SECONDS_BETWEEN):
        yield written


def assert_all_there(platform: Platform, written: Written) -> None:
    login = ("admin", platform.password("admin"))
    for path in written.names:
        answer = platform.request(f"{ARTIFACTS}/{path}", login)
        assert (answer.status, answer.body) == (200, content(path)), path


def on_disk(store: Platform, written: Written, disk: int = 0) -> set[str]:
    """Find which of the artifacts have their part on a server's disk."""
    found = store.host.run(
        "find %s -mindepth 1 -maxdepth 1 -printf '%%f\\n'", f"/srv/disk{disk}/rustfs/mlflow/artifacts/{written.folder}"
    )
    return {f"{written.folder}/{name}" for name in found.stdout.split()}
