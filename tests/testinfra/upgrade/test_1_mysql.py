"""MLflow goes to a version with another schema, on MySQL, where a migration cannot be taken back; or it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..load import Client, under_load
from ..logged import Logged
from .conftest import (
    ALL_OF_IT,
    IN_THE_WAY,
    NEW,
    OLD,
    PLAYBOOK,
    assert_holds,
    assert_nothing_left,
    log,
    state_of,
    upgraded,
    version,
)

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Platform

# In the order of a run.
MOMENTS = [
    ("stop | Stop the database", OLD),
    ("run | Run mlflow-db-upgrade", OLD),
    ("try | Log a run with an artifact", OLD),
    ("upgrade | Let clients write again", NEW),
]


def sql(platform: Platform, statement: str) -> str:
    """Ask MySQL as its administrator."""
    shell = (
        'MYSQL_PWD="$(cat /run/secrets/mysql_root_password)"'
        ' mysql --user=root --batch --skip-column-names mlflow --execute="$1"'
    )
    return str(platform.host.check_output("docker exec mlflow-mysql-1 sh -c %s sh %s", shell, statement))


@pytest.fixture(scope="module")
def logged() -> Logged:
    return Logged()


def test_other_versions_are_left_to_the_playbook_that_can_go_back(platform: Platform) -> None:
    before = state_of(platform)
    result = platform.site(**upgraded())
    assert result.returncode != 0
    assert f"mlflow_version: found '{NEW}', but the platform runs {OLD}: run playbooks/upgrade.yml" in result.message
    assert state_of(platform) == before


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("3.15.0", f"mlflow_version: found '3.15.0', but the platform runs {OLD}, and there is no way back from that"),
        ("3.99.0", "mlflow_version: there is no image of MLflow 3.99.0, write a version that can be installed."),
    ],
)
def test_a_version_that_cannot_be_had_changes_nothing(platform: Platform, wanted: str, sentence: str) -> None:
    before = state_of(platform)
    result = platform.play(PLAYBOOK, mlflow_version=wanted)
    assert result.returncode != 0
    assert sentence in result.message
    assert state_of(platform) == before


def test_check_mode_says_what_there_is_to_do(platform: Platform) -> None:
    before = state_of(platform)
    platform.play(PLAYBOOK, check=True, **upgraded()).assert_ok()
    assert state_of(platform) == before


def test_a_migration_that_fails_in_the_middle_brings_back_what_was(
    platform: Platform, logged: Logged, tmp_path: Path
) -> None:
    log(platform, tmp_path, logged)
    before = state_of(platform)
    schema = sql(platform, "SELECT version_num FROM alembic_version")
    sql(platform, f"CREATE TABLE IF NOT EXISTS {IN_THE_WAY} (id INT PRIMARY KEY)")

    result = platform.play(PLAYBOOK, **upgraded())

    assert result.returncode != 0
    assert f"Table '{IN_THE_WAY}' already exists" in result.message
    assert f"MLflow {OLD} runs again with the data of before, and nothing is lost" in result.message
    assert version(platform) == OLD
    assert sql(platform, "SELECT version_num FROM alembic_version") == schema
    # What the migration had made before it failed.
    assert sql(platform, "SHOW TABLES LIKE 'scheduler_leases'") == ""
    assert state_of(platform) == before
    assert_holds(platform, tmp_path, logged)
    assert_nothing_left(platform)
    log(platform, tmp_path, logged)
    sql(platform, f"DROP TABLE {IN_THE_WAY}")
    assert platform.site().changed == []


@pytest.mark.parametrize(("task", "runs"), MOMENTS)
def test_killed_it_goes_back_or_is_done(
    platform: Platform, logged: Logged, tmp_path: Path, task: str, runs: str
) -> None:
    platform.play_until(PLAYBOOK, task, "--extra-vars", f"mlflow_version={NEW}")
    if runs == OLD:
        assert ALL_OF_IT in platform.site().message
        given_up = platform.play(PLAYBOOK, upgrade_give_up=True, **upgraded())
        assert "was given up, and the platform runs as before" in given_up.message
        assert version(platform) == OLD
        log(platform, tmp_path, logged)
    else:
        platform.play(PLAYBOOK, **upgraded()).assert_ok()
    assert version(platform) == runs
    assert_holds(platform, tmp_path, logged)
    assert_nothing_left(platform)


def test_a_backup_of_before_brings_the_former_version_back(platform: Platform, logged: Logged, tmp_path: Path) -> None:
    """The way back for who finds out a week later."""
    platform.play("playbooks/restore.yml", backup_restore="latest", backup_restore_over_newer=True).assert_ok()
    assert version(platform) == OLD
    assert_nothing_left(platform)
    log(platform, tmp_path, Logged())


def test_nothing_that_was_acknowledged_meanwhile_is_missing(platform: Platform) -> None:
    with under_load(platform) as seen:
        result = platform.play(PLAYBOOK, **upgraded())
    result.assert_ok()
    assert f"MLflow {NEW} now, instead of MLflow {OLD}" in result.output
    assert version(platform) == NEW
    assert seen.acknowledged <= Client(platform).steps(seen.run)
    # Until MLflow is stopped, writers are told to come again.
    assert 503 in seen.writes
    assert_nothing_left(platform)


def test_it_is_settled(platform: Platform) -> None:
    for playbook in (PLAYBOOK, "site.yml"):
        again = platform.play(playbook, **upgraded())
        again.assert_ok()
        assert again.changed == []
