"""A platform in use, the secrets of which are changed."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..load import asking, assert_nothing_lost, under_load

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult

ROTATE = "playbooks/rotate_secrets.yml"
JOURNAL = "/opt/mlflow/secrets/rotation.json"
# Its password is the inventory's, so that it gets in all the time.
LOAD = "load"
SEEN = "/run/seen-command-lines"
# Runs on the server; the bracket keeps it from seeing itself.
WATCH = f"while :; do cat /proc/[0-9]*/cmdline 2>/dev/null; sleep 0.05; done >> {SEEN}"


def rotate(platform: Platform, what: str, **variables: Any) -> PlayResult:
    return platform.play(ROTATE, rotate_secrets_what=what, **variables)


def artifact(platform: Platform, method: str, name: str, content: bytes | None = None) -> int:
    """Write or read an artifact through the proxy."""
    return artifacts(platform)(method, name, content)


def artifacts(platform: Platform) -> Callable[[str, str, bytes | None], int]:
    """Take artifacts through the proxy with one login: the password is looked for in all of the server's secrets."""
    login = (LOAD, platform.password(LOAD))

    def take(method: str, name: str, content: bytes | None = None) -> int:
        path = f"/api/2.0/mlflow-artifacts/artifacts/rotation/{name}"
        return platform.request(path, login, method=method, body=content).status

    return take


def writes_artifacts(platform: Platform) -> Callable[[], int]:
    """Write one artifact after the other."""
    take = artifacts(platform)
    content = b"x" * 20000
    return lambda: take("PUT", f"{time.monotonic_ns()}.bin", content)


@contextmanager
def nothing_fails(platform: Platform) -> Iterator[None]:
    """Not a request fails, of whatever sort."""
    started = time.monotonic()
    with (
        under_load(platform, LOAD) as seen,
        asking([writes_artifacts(platform)], 0.3) as written,
    ):
        yield
        time.sleep(2)
        seconds = time.monotonic() - started
    assert [answer for answer in written if answer != 200] == []
    assert len(written) > seconds / 2
    assert seen.failed == []
    assert_nothing_lost(platform, seen, seconds, LOAD)


@contextmanager
def watched(platform: Platform) -> Iterator[None]:
    """Keep the command lines of all processes of the server."""
    unit = "watch-command-lines"
    platform.host.check_output(f"systemd-run --unit={unit} sh -c %s", WATCH)
    try:
        yield
    finally:
        platform.host.check_output(f"systemctl stop {unit}")


def database_opens(platform: Platform, user: str, password: str) -> bool:
    """Log in to the database as MLflow does."""
    platform.write("/run/database-password", password)
    if platform.host.file("/opt/mlflow/services/mysql.yml").exists:
        inside = "docker exec --env MYSQL_PWD mlflow-mysql-1 mysql"
        where = "" if user == "root" else "--host=127.0.0.1"
        command = f'MYSQL_PWD="$(cat /run/database-password)" {inside} {where} --user={user} --execute="SELECT 1"'
    else:
        inside = "docker exec --env PGPASSWORD mlflow-postgres-1 psql --host=127.0.0.1 --no-password --dbname=mlflow"
        command = f'PGPASSWORD="$(cat /run/database-password)" {inside} --username={user} --command="SELECT 1"'
    done = platform.host.run(command)
    platform.host.check_output("rm /run/database-password")
    assert done.rc == 0 or "denied" in done.stderr or "authentication failed" in done.stderr, done.stderr
    return bool(done.rc == 0)


def backups_open(platform: Platform, password: str) -> bool:
    """Open the backups with a password."""
    platform.write("/run/backup-password", password)
    repository = platform.variables["backup_repository"]
    done = platform.host.run(
        "restic --no-cache --repo %s --password-file /run/backup-password cat config --no-lock", repository
    )
    platform.host.check_output("rm /run/backup-password")
    return bool(done.rc == 0)


def serial(platform: Platform) -> str:
    """Tell which certificate the proxy shows."""
    context = ssl.create_default_context(cadata=platform.authority)
    with (
        socket.create_connection((platform.address, platform.front.port), 60) as plain,
        context.wrap_socket(plain, server_hostname=platform.front.name) as stream,
    ):
        return str((stream.getpeercert() or {})["serialNumber"])


def journal(platform: Platform) -> Mapping[str, Any]:
    """Read what a run has written down that was killed."""
    assert platform.host.file(JOURNAL).mode == 0o600
    return dict(json.loads(platform.host.file(JOURNAL).content_string))
