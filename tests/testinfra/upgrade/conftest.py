"""What is upgraded, and a client that logs before, meanwhile and afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..conftest import PROJECT, names_lead_to
from ..logged import Logged, Store

if TYPE_CHECKING:
    from ..conftest import Platform

OLD = "3.16.1"
NEW = "3.17.2"
PLAYBOOK = "playbooks/upgrade.yml"
# The second of the two migrations makes it, after it has made another one.
IN_THE_WAY = "job_locks"
ALL_OF_IT = f"An upgrade of the platform in {PROJECT} was interrupted: run playbooks/upgrade.yml again"


def version(platform: Platform) -> str:
    """Ask MLflow for its version, as its clients do."""
    answer = platform.request("/version", ("admin", platform.password("admin")))
    return answer.body.decode() if answer.status == 200 else str(answer.status)


def state_of(platform: Platform) -> str:
    """What a run that is refused, or goes back, leaves as it was: everything but the data, and the schema."""
    return str(
        platform.host.check_output(
            "docker ps --format '{{.Names}} {{.Image}} {{.State}}' | sort;"
            " find %s -path %s/data -prune -o -path %s/backups -prune -o -type f -exec sha256sum {} + | sort -k2",
            PROJECT,
            PROJECT,
            PROJECT,
        )
    )


@contextmanager
def client(platform: Platform) -> Iterator[Store]:
    with names_lead_to(platform.address, ("mlflow.lab",)):
        yield Store(platform, platform.password("admin"))


def log(platform: Platform, folder: Path, logged: Logged) -> None:
    """Log one more run with artifacts."""
    place = folder / uuid.uuid4().hex
    place.mkdir()
    with client(platform) as store:
        store.log(place, len(logged.runs) + 1, logged)


def assert_holds(platform: Platform, folder: Path, logged: Logged) -> None:
    """Everything that was logged is there."""
    with client(platform) as store:
        store.assert_holds(logged, folder / uuid.uuid4().hex)


def assert_nothing_left(platform: Platform) -> None:
    """No copy is kept, and the timers that were stopped meanwhile wait again."""
    assert not platform.host.file(f"{PROJECT}/backups/upgrade").exists
    assert not [path for path in platform.host.file(f"{PROJECT}/data").listdir() if "upgrade" in path]
    assert platform.host.service("mlflow-backup.timer").is_running


def upgraded(**more: Any) -> dict[str, Any]:
    """Name the newer version."""
    return {"mlflow_version": NEW, **more}
