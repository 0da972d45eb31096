# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The database of a backup: one consistent dump, while MLflow goes on writing."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import Settings
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import (
    MARKER,
    Engine,
    Place,
    Runner,
    must_be_complete,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

DUMP = "database.dump"
# How long a database may take to start, and its container to be there.
STARTING_SECONDS = 300
STOPPED_SECONDS = 20
_PAUSE_SECONDS = 2
# Where mysqldump says it, well before the first table.
_HEAD_BYTES = 65536
_BINARY_LOG = re.compile(rb"SOURCE_LOG_FILE='(?P<file>[^']+)', SOURCE_LOG_POS=(?P<position>\d+)")


@dataclass(frozen=True)
class Dump:
    """A dump that was made."""

    bytes: int
    version: tuple[int, ...]
    # What the tables take in the database, as its server estimates it.
    database_bytes: int
    # In the log of changes, binary log or write-ahead log, at which the dump was made. Empty where there is none.
    position: str
    # Revision of MLflow's schema.
    schema: str


def place_of(settings: Settings) -> Place:
    """Return the database, and the user who may dump it with its position."""
    database = settings.database
    password = settings.secret(database.password_file)
    return Place(database.container, database.kind, database.name, database.username, password)


def dump(settings: Settings, path: Path, runner: Runner) -> Dump:
    """Write the dump to a file that only root reads."""
    if settings.database.kind == "sqlite":
        return dump_sqlite(settings.project_dir / settings.database.path, path)
    place = place_of(settings)
    engine = Engine(place, runner)
    wait_until_it_answers(engine)
    if MARKER in engine.tables():
        raise InputError(f"The database {place.name!r} is put back in part only: run restore.yml again.")
    position = ""
    if place.engine == "postgres":
        position = engine.sql("SELECT pg_current_wal_lsn()")[0]
        # What is compressed already is new to restic each time.
        options = ["--compress=0"]
    else:
        options = ["--source-data=2"] if engine.sql("SELECT @@log_bin") == ["1"] else []
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
        runner.dump(place, file, options)
        size = os.fstat(file.fileno()).st_size
        if place.engine == "mysql":
            must_be_complete(file, size)
            file.seek(0)
            position = binary_log_position(file.read(_HEAD_BYTES))
    schema = engine.sql("SELECT version_num FROM alembic_version")[0]
    return Dump(size, engine.version(), engine.bytes(), position, schema)


def wait_until_it_answers(engine: Engine) -> None:
    """Wait for a database that is starting, as after a start of the server; raise InputError where it does not come."""
    begun = time.monotonic()
    while True:
        try:
            engine.sql("SELECT 1")
        except InputError as error:
            waits = STARTING_SECONDS if "does not answer" in str(error) else STOPPED_SECONDS
            if time.monotonic() - begun > waits:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def binary_log_position(head: bytes) -> str:
    """Return what mysqldump notes at the beginning, as FILE:POSITION; nothing where it notes none."""
    match = _BINARY_LOG.search(head)
    return f"{match['file'].decode()}:{match['position'].decode()}" if match else ""


def dump_sqlite(source: Path, path: Path) -> Dump:
    """Copy a database of SQLite as it is between two of its transactions."""
    if not source.is_file():
        raise InputError(f"There is no database of SQLite at {source}, run site.yml.")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as live, closing(sqlite3.connect(path)) as copy:
        live.backup(copy)
        (result,) = copy.execute("PRAGMA quick_check").fetchone()
        if result != "ok":
            raise InputError(f"The database {source} is damaged ({result}).")
        (schema,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    size = path.stat().st_size
    return Dump(size, tuple(int(number) for number in sqlite3.sqlite_version.split(".")), size, "", str(schema))
