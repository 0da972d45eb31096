"""SQLite: a file on the server, for one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .backed_up import assert_goes_back
from .conftest import log_a_run

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Platform

SQLITE: dict[str, Any] = {"mlflow_platform_database": "sqlite", "mlflow_workers": 1}


def test_two_writers_are_refused(platform: Platform) -> None:
    refused = platform.site(**SQLITE | {"mlflow_workers": 2})
    assert refused.returncode != 0
    assert not refused.changed
    assert "mlflow_workers: found 2, but SQLite takes one writer at a time, write 1" in refused.message


def test_it_is_used(platform: Platform) -> None:
    platform.site(**SQLITE).assert_ok()
    log_a_run(platform)
    assert platform.host.file("/opt/mlflow/data/sqlite/mlflow.db").size > 0
    assert platform.host.file("/opt/mlflow/data/sqlite").mode == 0o700
    assert "MLFLOW_WORKERS=1" in platform.container("mlflow")["Config"]["Env"]


def test_second_run_changes_nothing(platform: Platform) -> None:
    again = platform.site(**SQLITE)
    again.assert_ok()
    assert again.changed == []


def test_a_backup_comes_back(platform: Platform, tmp_path: Path) -> None:
    assert_goes_back(platform, tmp_path, **SQLITE)
