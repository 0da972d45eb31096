"""Backups go to another server over SSH, and to a bucket."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import testinfra

from ..backups import state
from ..conftest import PROJECT, eventually
from .conftest import OTHER

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform

NAME = "day-two-nas"
STORE = "backup-store"
KEY = {"access_key": "backup-writer", "secret_key": "a secret+of/the store's"}


@pytest.fixture(scope="module")
def elsewhere() -> Host:
    """The server that the backups go to."""
    return testinfra.get_host(f"docker://{OTHER}")


@pytest.fixture
def login(elsewhere: Host, tmp_path: Path) -> dict[str, Any]:
    """A key that the other server knows, and the other server's own."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    elsewhere.check_output("systemctl start ssh && install -d -m 0700 /root/.ssh /srv/nas")
    public = Path(f"{key}.pub").read_text().strip()
    elsewhere.check_output("echo %s > /root/.ssh/authorized_keys", public)
    known = elsewhere.check_output("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    return {"private_key": key.read_text(), "known_hosts": f"{NAME} {known}"}


@pytest.fixture
def store(elsewhere: Host) -> Iterator[str]:
    """An object store on the other server."""
    elsewhere.check_output("install -d -o 10001 -g 10001 /srv/store")
    elsewhere.check_output(
        "docker run --detach --name %s --publish 19000:9000 --env RUSTFS_VOLUMES=/data/store --env %s --env %s"
        " --volume /srv/store:/data/store rustfs/rustfs:1.0.1",
        STORE,
        f"RUSTFS_ACCESS_KEY={KEY['access_key']}",
        f"RUSTFS_SECRET_KEY={KEY['secret_key']}",
    )
    ready = "docker exec %s curl -fsS http://127.0.0.1:9000/health/ready"
    assert eventually(lambda: elsewhere.run(ready, STORE).rc == 0, 60)
    yield f"s3:http://{NAME}:19000/backups/lab"
    elsewhere.check_output(f"docker rm --force --volumes {STORE}")


def assert_taken(platform: Platform, location: str) -> None:
    platform.play("playbooks/backup.yml").assert_ok()
    assert state(platform)["last"]["ok"]
    told = platform.host.check_output("%s snapshots", f"{PROJECT}/config/backup/restic.sh")
    assert "onprem.mlflow" in told
    assert location in platform.host.file(f"{PROJECT}/config/backup/settings.json").content_string


def test_over_ssh(platform: Platform, server: Host, elsewhere: Host, login: dict[str, Any]) -> None:
    location = f"sftp:root@{NAME}:/srv/nas/mlflow"
    # A server that has another key than the one that is known.
    stranger = login["known_hosts"][:-8] + "AAAAAAAA"
    refused = platform.site(backup_repository=location, backup_ssh={**login, "known_hosts": stranger})
    assert refused.returncode != 0
    assert "lets nobody in" in refused.message

    platform.site(backup_repository=location, backup_ssh=login).assert_ok()
    assert server.file(f"{PROJECT}/secrets/backup/ssh_key").mode == 0o600
    assert_taken(platform, location)
    assert elsewhere.file("/srv/nas/mlflow/config").exists


def test_to_a_bucket(platform: Platform, server: Host, store: str) -> None:
    platform.site(backup_repository=store, backup_s3=KEY).assert_ok()
    assert_taken(platform, store)
    assert server.file(f"{PROJECT}/secrets/backup/s3_secret_key").mode == 0o600


def test_none_at_all(platform: Platform, server: Host) -> None:
    """The timer goes; what opens the backups stays."""
    platform.site(backup_repository="").assert_ok()
    assert server.run("systemctl cat mlflow-backup.timer").rc != 0
    assert not server.file(f"{PROJECT}/config/backup").exists
    assert server.file(f"{PROJECT}/secrets/backup/password").exists
    refused = platform.play("playbooks/backup.yml")
    assert refused.returncode != 0
    assert "backup_repository: the platform in /opt/mlflow" in refused.message
