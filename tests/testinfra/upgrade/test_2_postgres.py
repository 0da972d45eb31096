"""PostgreSQL goes to a release that does not read the former one's files, together with MLflow; or both stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..logged import Logged
from .conftest import (
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

BEFORE: dict[str, Any] = {"mlflow_platform_database": "postgres", "postgres_image": "postgres:15"}
AFTER = upgraded(mlflow_platform_database="postgres", postgres_image="postgres:17")


@pytest.fixture(scope="module", autouse=True)
def _platform_with_postgres(platform: Platform) -> None:
    platform.host.check_output(
        "cd /opt/mlflow && docker compose --profile '*' down --timeout 5 2>&1 && rm -r /opt/mlflow"
    )
    platform.host.check_output("rm -rf /mnt/backup/mlflow")
    platform.site(**BEFORE).assert_ok()


@pytest.fixture(scope="module")
def logged() -> Logged:
    return Logged()


def sql(platform: Platform, statement: str) -> str:
    shell = (
        'PGPASSWORD="$(cat /run/secrets/postgres_password)"'
        ' psql --host=127.0.0.1 --no-align --tuples-only --username=mlflow --dbname=mlflow --command="$1"'
    )
    return str(platform.host.check_output("docker exec mlflow-postgres-1 sh -c %s sh %s", shell, statement))


def test_a_migration_that_fails_brings_back_both(platform: Platform, logged: Logged, tmp_path: Path) -> None:
    log(platform, tmp_path, logged)
    before = state_of(platform)
    sql(platform, f"CREATE TABLE IF NOT EXISTS {IN_THE_WAY} (id INT PRIMARY KEY)")
    result = platform.play(PLAYBOOK, **AFTER)
    assert result.returncode != 0
    assert f'relation "{IN_THE_WAY}" already exists' in result.message
    assert "PostgreSQL 15." in result.message
    assert f"MLflow {OLD} run again with the data of before, and nothing is lost" in result.message
    assert version(platform) == OLD
    assert sql(platform, "SHOW server_version").startswith("15.")
    assert state_of(platform) == before
    assert_holds(platform, tmp_path, logged)
    assert_nothing_left(platform)
    sql(platform, f"DROP TABLE {IN_THE_WAY}")


def test_both_go_to_newer_ones(platform: Platform, logged: Logged, tmp_path: Path) -> None:
    log(platform, tmp_path, logged)
    platform.play(PLAYBOOK, **AFTER).assert_ok()
    assert version(platform) == NEW
    assert sql(platform, "SHOW server_version").startswith("17.")
    assert_holds(platform, tmp_path, logged)
    assert_nothing_left(platform)
    log(platform, tmp_path, logged)
    assert platform.site(**AFTER).changed == []


def test_a_database_does_not_go_back(platform: Platform) -> None:
    before = state_of(platform)
    result = platform.play(PLAYBOOK, **AFTER | {"postgres_image": "postgres:15"})
    assert result.returncode != 0
    assert "postgres_image: found PostgreSQL 15." in result.message
    assert "and there is no way back from that" in result.message
    assert state_of(platform) == before
