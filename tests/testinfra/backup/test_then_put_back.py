"""A backup comes back: to an empty server with other names, and to the one that it is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..backups import state
from ..conftest import PROJECT, Platform, names_lead_to
from ..logged import Logged, Store
from .conftest import OTHER, REPOSITORY, carry_backups

if TYPE_CHECKING:
    from testinfra.host import Host

RESTORE = "playbooks/restore.yml"


@pytest.fixture(scope="session")
def carried(platform: Platform) -> None:
    """The disk with the backups is in the other server."""
    carry_backups(platform.machine, OTHER)


@pytest.mark.usefixtures("carried")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backup_password": "not the one"}, "backup_password: does not open the repository"),
        (
            {"backup_restore": "ffffffff"},
            "backup_restore: no backup begins with 'ffffffff', write latest or one of those that there are",
        ),
        (
            {"mlflow_platform_database": "postgres"},
            "mlflow_platform_database: found 'postgres', but the backup",
        ),
    ],
    ids=["wrong password", "no such backup", "another engine"],
)
def test_what_cannot_be_put_back_is_said(
    platform: Platform, other_inventory: Path, given: dict[str, Any], said: str
) -> None:
    result = platform.play(RESTORE, inventory=other_inventory, **{"backup_restore": "latest", **given})
    assert result.returncode != 0
    assert said in result.message
    assert Platform(other_inventory).host.run("docker ps --quiet").stdout == ""


@pytest.mark.usefixtures("carried")
def test_too_little_disk_is_said(platform: Platform, other_inventory: Path) -> None:
    other = Platform(other_inventory).host
    other.check_output("mkdir -p %s && mount -t tmpfs -o size=2m small %s", PROJECT, PROJECT)
    result = platform.play(
        RESTORE, inventory=other_inventory, backup_restore="latest", mlflow_platform_min_free_disk_gib=0
    )
    assert result.returncode != 0
    assert " MiB free, but the database of the backup" in result.message
    assert other.run("docker ps --quiet").stdout == ""
    other.check_output("umount %s", PROJECT)


@pytest.mark.usefixtures("carried")
def test_an_empty_server_with_other_names_gets_it_all(
    platform: Platform, other_inventory: Path, logged: Logged, tmp_path: Path
) -> None:
    result = platform.play(RESTORE, inventory=other_inventory, backup_restore="latest")
    result.assert_ok()
    assert "fresh has what the backup" in result.output
    other = Platform(other_inventory)
    assert other.host.check_output("hostname") == "backup-other"
    with names_lead_to(other.address, ("runs.lab",)):
        store = Store(other, platform.password("admin"))
        store.assert_holds(logged, tmp_path)
        (last,) = store.client.search_runs([store.experiment], "metrics.written > 0")
        content = Path(store.client.download_artifacts(last.info.run_id, "last.ckpt", str(tmp_path))).read_bytes()
        # As it was at one instant.
        assert len(content) == 4 * (20000 + int.from_bytes(content[:4], "big"))
        assert content == content[:4] * (len(content) // 4)
    assert other.host.check_output("systemctl is-active mlflow-backup.timer") == "active"
    assert other.host.run("mount | grep --quiet /backups/work").rc == 1
    for name in ("mysql_root_password", "rustfs_root_secret_key", "bucket_secret_key"):
        assert other.secret(name) == platform.secret(name)


def test_what_is_newer_is_not_replaced_unasked(
    platform: Platform, server: Host, store: Store, logged: Logged, tmp_path: Path
) -> None:
    # The other server is MLflow's client's now.
    store = Store(platform, platform.password("admin"))
    later = Logged()
    run_id = store.log(tmp_path, 100, later)
    started = server.check_output("docker inspect --format '{{.State.StartedAt}}' mlflow-mlflow-1")
    refused = platform.play(RESTORE, backup_restore="latest")
    assert refused.returncode != 0
    assert "write backup_restore_over_newer: true to go back to it" in refused.message
    assert server.check_output("docker inspect --format '{{.State.StartedAt}}' mlflow-mlflow-1") == started

    good = state(platform)["good"]["snapshot"]
    # A run that is killed while the database is half replaced: the next one goes on.
    words = json.dumps({"backup_restore": "latest", "backup_restore_over_newer": True})
    platform.play_until(RESTORE, "put_back | Replace the database", "--extra-vars", words)
    assert server.check_output("docker inspect --format '{{.State.Running}}' mlflow-mlflow-1") == "false"
    replaced = state(platform)["good"]["snapshot"]
    assert replaced != good
    result = platform.play(RESTORE, backup_restore="latest", backup_restore_over_newer=True)
    result.assert_ok()
    assert f"has what the backup {good[:8]}" in result.output
    store.assert_holds(logged, tmp_path / "back")
    assert run_id not in {run.info.run_id for run in store.client.search_runs([store.experiment])}

    # What the run that was killed had saved before.
    platform.play(RESTORE, backup_restore=replaced[:12], backup_restore_over_newer=True).assert_ok()
    store.assert_holds(later, tmp_path / "again")
    platform.assert_settled()


def test_a_damaged_repository_is_told(platform: Platform, server: Host) -> None:
    find = "find %s/mlflow/data -type f -size +1M -printf '%%p\\n' | head -1"
    pack = server.check_output(find, REPOSITORY)
    server.check_output("chmod u+w %s && dd if=/dev/zero of=%s bs=1k seek=100 count=1 conv=notrunc", pack, pack)
    done = server.run("%s check --read-data", f"{PROJECT}/config/backup/restic.sh")
    assert done.rc != 0
    refused = platform.site(backup_check_percent=100)
    refused.assert_ok()
    taken = platform.play("playbooks/backup.yml")
    assert taken.returncode != 0
    assert "is damaged" in taken.message
