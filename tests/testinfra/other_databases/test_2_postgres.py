"""PostgreSQL of the platform's own: what the role promises of it, asked of the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .backed_up import assert_goes_back
from .conftest import everything, log_a_run, remove

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..conftest import Platform

OWN: dict[str, Any] = {"mlflow_platform_database": "postgres", "postgres_max_connections": 150}


@pytest.fixture(scope="module", autouse=True)
def _platform_with_postgres(platform: Platform) -> Iterator[None]:
    platform.site(**OWN).assert_ok()
    yield
    remove(platform)


def query(platform: Platform, statement: str, user: str = "mlflow", database: str = "mlflow") -> str:
    shell = (
        'PGPASSWORD="$(cat /run/secrets/postgres_password)"'
        ' psql --host=127.0.0.1 --no-align --tuples-only --username="$1" --dbname="$2" --command="$3" 2>&1'
    )
    command = "docker exec mlflow-postgres-1 sh -c %s sh %s %s %s"
    return str(platform.host.run(command, shell, user, database, statement).stdout).strip()


def test_it_is_used(platform: Platform) -> None:
    log_a_run(platform)
    assert int(query(platform, "SELECT COUNT(*) FROM runs")) >= 1


def test_application_user_is_limited_to_its_database(platform: Platform) -> None:
    rights = query(platform, "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user")
    assert rights == "f|f|f"
    assert "permission denied" in query(platform, "SELECT 1", database="postgres")
    assert "rejects connection" in query(platform, "SELECT 1", user="postgres")


def test_options_reach_the_server(platform: Platform) -> None:
    assert query(platform, "SHOW max_connections") == "150"
    assert query(platform, "SHOW shared_buffers") == "256MB"
    assert query(platform, "SHOW server_encoding") == "UTF8"


def test_second_run_changes_nothing(platform: Platform) -> None:
    again = platform.site(**OWN)
    again.assert_ok()
    assert again.changed == []


def test_another_database_is_refused(platform: Platform) -> None:
    before = everything(platform)
    result = platform.site(mlflow_platform_database="mysql")
    assert result.returncode != 0
    assert (
        "mlflow_platform_database: found 'mysql', but the runs of this platform are in /opt/mlflow/data/postgres:"
        " write 'postgres', or bring the runs to the other database and set mlflow_database_moved: true for one run."
    ) in result.message
    assert everything(platform) == before


def test_a_backup_comes_back(platform: Platform, tmp_path: Path) -> None:
    assert_goes_back(platform, tmp_path, **OWN)
