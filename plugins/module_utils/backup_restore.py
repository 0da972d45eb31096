# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Database and secrets of a backup, put back on a platform."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_database import DUMP, place_of
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_found import Backup
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_repository import Restic, explain
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import WORK, Settings
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import (
    MARKER,
    Engine,
    Runner,
    restore_database,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

# Every platform has it from its first run on.
URI_FILE = "mlflow_backend_store_uri"
# What belongs to one platform alone, and not to the server that it is on.
_SECRETS = ("secrets", "data/acme")
_FREE_FACTOR = 2
# When something was logged or changed last, in milliseconds.
_TIMES = (
    ("runs", "start_time"),
    ("runs", "end_time"),
    ("experiments", "last_update_time"),
    ("latest_metrics", "timestamp"),
    ("registered_models", "last_updated_time"),
    ("model_versions", "last_updated_time"),
)


def has_secrets(settings: Settings) -> bool:
    """Tell whether the server has a platform's secrets already, which are kept."""
    return (settings.project_dir / "secrets" / URI_FILE).exists()


def restore_secrets(settings: Settings, restic: Restic, backup: Backup) -> None:
    """Put back passwords, keys and certificates, with their owners and modes."""
    include = [word for path in _SECRETS for word in ("--include", f"/{path}")]
    restic.run(["restore", "--quiet", "--no-lock", backup.snapshot.id, *include, "--target", str(settings.project_dir)])


def last_change(settings: Settings) -> float | None:
    """Tell when MLflow's clients logged last, in seconds of the epoch; None where the database holds nothing."""
    statements = [f"SELECT MAX({column}) FROM {table}" for table, column in _TIMES]  # noqa: S608
    if settings.database.kind == "sqlite":
        path = settings.project_dir / settings.database.path
        if not path.exists():
            return None
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as live:
            values = [live.execute(statement).fetchone()[0] for statement in statements]
    else:
        place = place_of(settings)
        engine = Engine(place, Runner())
        tables = engine.tables()
        # A restore that was interrupted leaves nothing that anybody wants back.
        if "alembic_version" not in tables or MARKER in tables:
            return None
        values = engine.sql(" UNION ALL ".join(statements))
    times = [int(value) for value in values if value is not None and str(value).isdigit()]
    return max(times, default=0) / 1000


def must_not_be_newer(settings: Settings, backup: Backup) -> bool:
    """Raise InputError where something was logged after the backup; tell whether there is anything at all."""
    changed = last_change(settings)
    if changed is not None and changed > datetime.fromisoformat(backup.description["started"]).timestamp():
        when = datetime.fromtimestamp(changed, timezone.utc).isoformat(timespec="seconds")
        raise InputError(
            f"backup_restore: the platform has runs of {when}, but the backup {backup.name} is of"
            f" {backup.description['started']}, write backup_restore_over_newer: true to go back to it."
        )
    return changed is not None


def must_have_room(settings: Settings, backup: Backup) -> None:
    """Raise InputError where the dump has no room beside the platform."""
    folder, dump = settings.project_dir, backup.database
    needed = int(dump["bytes"]) + int(dump["database_bytes"]) * _FREE_FACTOR
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder} has {free >> 20} MiB free, but the database of the backup {backup.name} needs about"
            f" {needed >> 20} MiB: make room."
        )


def restore(settings: Settings, restic: Restic, backup: Backup) -> None:
    """Replace the database by the backup's; nobody may use it meanwhile."""
    work = settings.work
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    dump = work / f"restored-{DUMP}"
    try:
        _fetch(settings, restic, backup, dump)
        if settings.database.kind == "sqlite":
            _replace_sqlite(settings, dump)
        else:
            restore_database(
                place_of(settings),
                str(dump),
                None,
                Runner(),
                source_version=backup.database["version"],
                source_bytes=int(backup.database["database_bytes"]),
                replace=True,
                dry_run=False,
            )
    finally:
        dump.unlink(missing_ok=True)


def _fetch(settings: Settings, restic: Restic, backup: Backup, path: Path) -> None:
    path.unlink(missing_ok=True)
    log = settings.work / "restic.log"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file, log.open("w+b") as errors:
        with restic.start(["dump", backup.snapshot.id, f"/{WORK}/{DUMP}"], stdout=file, stderr=errors) as process:
            status = process.wait()
        errors.seek(0)
        if status:
            raise InputError(explain(settings, status, errors.read().decode(errors="replace")))
        size = os.fstat(file.fileno()).st_size
    if size != backup.database["bytes"]:
        raise InputError(f"backup_restore: the dump of {backup.name} is not whole, write another backup.")


def _replace_sqlite(settings: Settings, dump: Path) -> None:
    target = settings.project_dir / settings.database.path
    # MLflow's user. On a server that is new, the role that makes the folder has not come yet.
    owner = (settings.project_dir / "secrets" / URI_FILE).stat()
    if not target.parent.exists():
        target.parent.mkdir(mode=0o700, parents=True)
        os.chown(target.parent, owner.st_uid, owner.st_gid)
    new = target.with_suffix(".restored")
    shutil.copyfile(dump, new)
    os.chown(new, owner.st_uid, owner.st_gid)
    new.chmod(0o600)
    for leftover in ("-journal", "-wal", "-shm"):
        Path(f"{target}{leftover}").unlink(missing_ok=True)
    new.replace(target)
