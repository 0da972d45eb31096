# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backup is meant, whether it fits, and dumps of SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import backup_settings
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_database import binary_log_position, dump_sqlite
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_found import Backup, choose, must_fit
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Snapshot
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

OLD = Snapshot("aa11" * 16, "2026-01-01T00:00:00Z", "one", ("onprem.mlflow",))
NEW = Snapshot("aa22" * 16, "2026-01-02T00:00:00Z", "one", ("onprem.mlflow",))
REPLACED = Snapshot("bb33" * 16, "2026-01-03T00:00:00Z", "one", ("onprem.mlflow", "replaced"))


def test_latest_is_none_that_a_restore_took() -> None:
    assert choose([OLD, NEW, REPLACED], "latest", "/b") == NEW
    assert choose([OLD, NEW, REPLACED], "bb33", "/b") == REPLACED


@pytest.mark.parametrize(
    ("snapshots", "wanted", "said"),
    [
        ([], "latest", "there is no backup of MLflow at /b"),
        ([REPLACED], "latest", "there is no backup of MLflow at /b"),
        ([OLD, NEW], "aa", "several backups begin with 'aa', write latest or one of those that there are: aa11aa11 of"),
        ([OLD, NEW], "cc", "no backup begins with 'cc'"),
    ],
)
def test_not_one(snapshots: list[Snapshot], wanted: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        choose(snapshots, wanted, "/b")


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({}, None),
        (
            {"database": {"engine": "postgres"}},
            "mlflow_platform_database: found 'mysql', but the backup aa11aa11 is of postgres",
        ),
        ({"artifacts": "local"}, "mlflow_platform_artifact_store: found 'rustfs'"),
        ({"bucket": "other"}, "bucket_name: found 'mlflow'"),
    ],
)
def test_fit(described: dict[str, Any], said: str | None) -> None:
    written = {
        "project": "lab",
        "project_dir": "/x",
        "host": "one",
        "repository": {"location": "/b"},
        "database": {"kind": "mysql"},
        "artifacts": {"kind": "rustfs", "bucket": "mlflow"},
    }
    backup = Backup(OLD, {"database": {"engine": "mysql"}, "artifacts": "rustfs", "bucket": "mlflow", **described})
    if said is None:
        must_fit(backup_settings.parse(written), backup)
    else:
        with pytest.raises(InputError, match=said):
            must_fit(backup_settings.parse(written), backup)


def test_position_as_mysqldump_notes_it() -> None:
    head = b"--\n-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='binlog.000002', SOURCE_LOG_POS=157;\n"
    assert binary_log_position(head) == "binlog.000002:157"
    assert binary_log_position(b"-- nothing") == ""


def test_sqlite_is_copied_while_somebody_writes(tmp_path: Path) -> None:
    source = tmp_path / "live.db"
    live = sqlite3.connect(source)
    live.execute("CREATE TABLE alembic_version (version_num TEXT)")
    live.execute("INSERT INTO alembic_version VALUES ('abc')")
    live.commit()
    live.execute("INSERT INTO alembic_version VALUES ('not yet')")
    made = dump_sqlite(source, tmp_path / "copy.db")
    live.close()
    assert made.schema == "abc"
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT COUNT(*) FROM alembic_version").fetchone() == (1,)
    copy.close()


def test_sqlite_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no database of SQLite"):
        dump_sqlite(tmp_path / "none.db", tmp_path / "copy.db")
