"""Backups are taken, whole, while clients go on; and what hinders one is said."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from ..backups import state
from ..conftest import PROJECT, eventually
from ..logged import Logged, Store
from .conftest import REPOSITORY

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform

UNIT = "mlflow-backup.service"
RESTIC = f"{PROJECT}/config/backup/restic.sh"


def test_the_first_one_holds_all(platform: Platform, logged: Logged) -> None:
    result = platform.play("playbooks/backup.yml")
    result.assert_ok()
    good = state(platform)["good"]
    assert good["checked"]
    assert good["objects"] == sum(len(files) for files in logged.artifacts.values())
    assert good["objects_bytes"] == sum(
        len(content) for files in logged.artifacts.values() for content in files.values()
    )
    assert good["database"]["position"].startswith("binlog.")
    assert f"Backup {good['snapshot'][:8]} of {platform.name} was taken" in result.output
    assert "All was checked." in result.output


def test_the_second_one_adds_next_to_nothing(platform: Platform) -> None:
    first = state(platform)["good"]
    platform.host.check_output("systemctl start %s", UNIT)
    second = state(platform)["good"]
    assert second["snapshot"] != first["snapshot"]
    assert second["objects"] == first["objects"]
    assert second["added_bytes"] < first["objects_bytes"] / 10


def test_check_mode_takes_none(platform: Platform) -> None:
    before = state(platform)
    platform.play("playbooks/backup.yml", check=True).assert_ok()
    assert state(platform) == before


def test_it_is_root_s_alone_and_tells_no_secret(platform: Platform, server: Host) -> None:
    for path in (
        f"{PROJECT}/secrets/backup",
        f"{PROJECT}/backups",
        f"{PROJECT}/config/backup",
        f"{PROJECT}/backups/work",
    ):
        assert server.file(path).mode == 0o700, path
    assert server.file(f"{PROJECT}/secrets/backup/password").mode == 0o600
    left = server.check_output(
        "find %s/backups/work -name '*.dump*' -o -path '*/late/*' -o -path '*/artifacts/*'", PROJECT
    )
    assert left == ""
    told = server.check_output(
        "journalctl --unit=%s; cat %s/backups/last.json %s/config/backup/settings.json", UNIT, PROJECT, PROJECT
    )
    assert [name for name, value in platform.secrets().items() if value in told] == []
    # Without the password, the repository gives nothing away.
    held = server.run("grep --recursive --quiet --fixed-strings 'backed up' %s/mlflow", REPOSITORY)
    assert held.rc == 1


def test_the_key_is_not_in_the_backup(server: Host) -> None:
    listing = server.check_output("%s ls latest", RESTIC)
    assert "/secrets/mysql_password" in listing
    assert "/secrets/backup" not in listing


def test_clients_go_on_and_what_they_write_meanwhile_is_found(
    platform: Platform, store: Store, logged: Logged, tmp_path: Path
) -> None:
    """An object that is written over and over is in the backup as it was at one instant."""
    done = Event()
    failed: list[Exception] = []
    run = store.client.create_run(store.experiment).info.run_id

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            # Longer each time: one that was read half before and half after would be neither.
            (tmp_path / "last.ckpt").write_bytes(number.to_bytes(4, "big") * (20000 + number))
            try:
                store.client.log_artifact(run, str(tmp_path / "last.ckpt"))
                store.client.log_metric(run, "written", number)
            except Exception as error:
                failed.append(error)

    writer = Thread(target=write)
    writer.start()
    try:
        time.sleep(3)
        platform.host.check_output("systemctl start %s", UNIT)
    finally:
        done.set()
        writer.join()
    assert failed == []
    good = state(platform)["good"]
    assert good["written_meanwhile"] >= 1
    listing = platform.host.check_output(
        "%s ls --long latest /backups/work/late | grep -c ' /backups/work/late/'", RESTIC
    )
    assert int(listing) >= 1


def test_one_that_is_killed_leaves_nothing_behind(platform: Platform, server: Host) -> None:
    server.check_output("systemctl start --no-block %s", UNIT)
    assert eventually(lambda: server.run("pgrep -x restic").rc == 0, 60)
    server.check_output("systemctl kill --signal=KILL %s", UNIT)
    assert eventually(lambda: server.run("systemctl is-failed %s", UNIT).rc == 0, 30)
    assert server.run("mountpoint %s/backups/work/artifacts", PROJECT).rc != 0
    server.check_output("systemctl start %s", UNIT)
    assert state(platform)["last"]["ok"]


def test_two_at_once_are_one(platform: Platform, server: Host) -> None:
    server.check_output("systemctl start --no-block %s", UNIT)
    program = "ansible_collections.onprem.mlflow.plugins.module_utils.backup_take"
    take = f"PYTHONPATH={PROJECT}/config/backup/lib unshare --mount python3 -m {program}"
    assert eventually(lambda: server.run("pgrep -f backup_take").rc == 0, 30)
    second = server.run(f"{take} {PROJECT}")
    assert second.rc == 1
    assert "Another run works with the backups of mlflow, wait for its end." in second.stdout
    server.check_output("systemctl start %s", UNIT)
    assert state(platform)["last"]["ok"]


def test_what_hinders_one_is_said_and_the_last_good_one_stays_known(platform: Platform, server: Host) -> None:
    good = state(platform)["good"]
    # What is seen where the disk is not mounted.
    server.check_output("mount -t tmpfs empty %s", REPOSITORY)
    try:
        result = platform.play("playbooks/backup.yml")
    finally:
        server.check_output("umount %s", REPOSITORY)
    assert result.returncode != 0
    assert "see that it is mounted" in result.message
    assert state(platform)["good"] == good
    assert not state(platform)["last"]["ok"]
