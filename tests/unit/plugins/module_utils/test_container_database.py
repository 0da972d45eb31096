# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dump and restore of a database in a container, with a docker command that stands in."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import (
    MARKER,
    Place,
    Runner,
    dump_database,
    make_final,
    only_one,
    restore_database,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

OPTION = {"container": "old-db-1", "engine": "mysql", "name": "mlflow", "username": "mlflow", "password": "pä$$ 'word"}
MYSQL = Place.parse(OPTION, "database")
POSTGRES = Place.parse({**OPTION, "engine": "postgres"}, "database")
DUMP = b"""-- MySQL dump
CREATE TABLE `experiments` (
  `name` varchar(256) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT INTO `experiments` VALUES ('a');
-- Dump completed on 2026-11-21 19:34:17
"""


class FakeDatabase(Runner):
    """Answers what both programs would."""

    def __init__(self, rows: dict[str, int], *, version: str = "9.7.4", dump: bytes = DUMP) -> None:
        self.rows = dict(rows)
        self.version = version
        self.dumped = dump
        self.statements: list[str] = []
        self.after_restore: dict[str, int] = {}
        self.fails = False

    def sql(self, place: Place, statement: str) -> list[str]:
        self.statements.append(statement)
        if "VERSION" in statement or "server_version" in statement:
            return [self.version]
        if statement.startswith("CREATE TABLE"):
            self.rows[MARKER] = 0
        elif statement == f"DROP TABLE {MARKER}":
            del self.rows[MARKER]
        elif "DROP TABLE" in statement or "DO $drop$" in statement:
            self.rows = {name: count for name, count in self.rows.items() if name == MARKER}
        elif "COALESCE" in statement or "pg_database_size" in statement:
            return ["1000"]
        elif "table_type" in statement:
            return [f"{name}\tBASE TABLE" for name in self.rows if name != MARKER]
        elif "COUNT(*)" in statement:
            counts = [count for name, count in sorted(self.rows.items()) if name != MARKER]
            return [f"{index}\t{count}" for index, count in enumerate(counts)]
        elif "ORDER BY 1" in statement:
            return sorted(self.rows)
        return []

    def free_bytes(self, place: Place) -> int:
        return 5000

    def dump(self, place: Place, file: IO[bytes], options: Sequence[str] = ()) -> None:
        file.write(self.dumped)
        file.flush()

    def restore(self, place: Place, chunks: Iterable[bytes]) -> None:
        self.restored = b"".join(chunks)
        if self.fails:
            self.rows["half"] = 1
            raise InputError("In db, the restore failed")
        self.rows.update(self.after_restore)


@pytest.mark.parametrize("place", [MYSQL, POSTGRES])
@pytest.mark.parametrize("command", ["client", "dump", "restore"])
def test_password_is_on_no_command_line(place: Place, command: str) -> None:
    words = getattr(place, command)()
    assert not any(OPTION["password"] in word for word in words)
    (variable,) = place.environment
    assert words[:5] == ["docker", "exec", "--interactive", "--env", variable]


@pytest.mark.parametrize(("key", "value"), [("container", "-it"), ("name", "a b"), ("username", "--all")])
def test_names_that_a_program_takes_for_options(key: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"database\.{key}: found"):
        Place.parse({**OPTION, key: value}, "database")


def test_dump_is_read_by_its_owner_only_and_put_in_place_whole(tmp_path: Path) -> None:
    path = tmp_path / "database.sql"
    dumped = dump_database(MYSQL, str(path), FakeDatabase({"alembic_version": 1, "runs": 7}), dry_run=False)
    assert (dumped.rows, dumped.bytes) == ({"alembic_version": 1, "runs": 7}, len(DUMP))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["database.sql"]


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "database.sql"
    dumped = dump_database(MYSQL, str(path), FakeDatabase({"alembic_version": 1}), dry_run=True)
    assert dumped.rows == {"alembic_version": 1}
    assert list(tmp_path.iterdir()) == []


def test_dump_that_was_cut_short(tmp_path: Path) -> None:
    database = FakeDatabase({"alembic_version": 1}, dump=DUMP[:-60])
    with pytest.raises(InputError, match="ended before its last line"):
        dump_database(MYSQL, str(tmp_path / "d"), database, dry_run=False)
    assert not (tmp_path / "d").exists()


def test_writer_that_was_not_stopped(tmp_path: Path) -> None:
    class Growing(FakeDatabase):
        def dump(self, place: Place, file: IO[bytes], options: Sequence[str] = ()) -> None:
            super().dump(place, file, options)
            self.rows["alembic_version"] += 1

    with pytest.raises(InputError, match="stop whatever writes"):
        dump_database(MYSQL, str(tmp_path / "d"), Growing({"alembic_version": 1}), dry_run=False)
    assert list(tmp_path.iterdir()) == []


def test_database_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no tables of MLflow"):
        dump_database(MYSQL, str(tmp_path / "d"), FakeDatabase({"wp_posts": 3}), dry_run=False)


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Large(FakeDatabase):
        def sql(self, place: Place, statement: str) -> list[str]:
            return [str(10**18)] if "COALESCE" in statement else super().sql(place, statement)

    with pytest.raises(InputError, match="make room"):
        dump_database(MYSQL, str(tmp_path / "d"), Large({"alembic_version": 1}), dry_run=True)


def restore(database: FakeDatabase, path: Path, place: Place = MYSQL, **options: Any) -> Any:
    path.write_bytes(DUMP)
    wanted = {"source_version": [9, 7], "dry_run": False, **options}
    return restore_database(place, str(path), {"experiments": 1}, database, **wanted)


@pytest.mark.parametrize("place", [MYSQL, POSTGRES])
def test_restore_into_an_empty_database(tmp_path: Path, place: Place) -> None:
    database = FakeDatabase({}, version="17.6" if place is POSTGRES else "9.7.4")
    database.after_restore = {"experiments": 1}
    version = [17] if place is POSTGRES else [9, 7]
    restored = restore(database, tmp_path / "d", place, source_version=version)
    assert (restored.rows, restored.begun_anew) == ({"experiments": 1}, False)
    assert database.rows == {"experiments": 1}
    changes = [statement for statement in database.statements if statement.startswith("ALTER DATABASE")]
    wanted = "ALTER DATABASE `mlflow` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    assert changes == ([wanted] if place is MYSQL else [])


def test_half_restored_database_is_made_anew(tmp_path: Path) -> None:
    database = FakeDatabase({})
    database.fails = True
    with pytest.raises(InputError, match="the restore failed"):
        restore(database, tmp_path / "d")
    assert database.rows == {MARKER: 0, "half": 1}
    database.fails = False
    database.after_restore = {"experiments": 1}
    assert restore(database, tmp_path / "d").begun_anew
    assert database.rows == {"experiments": 1}


@pytest.mark.parametrize("dry_run", [True, False])
def test_filled_database_is_refused(tmp_path: Path, dry_run: bool) -> None:
    database = FakeDatabase({"runs": 1})
    with pytest.raises(InputError, match="is not empty"):
        restore(database, tmp_path / "d", dry_run=dry_run)
    assert database.rows == {"runs": 1}


def test_older_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"of version 9\.8, ours in old-db-1 of 9\.7"):
        restore(FakeDatabase({}), tmp_path / "d", source_version=[9, 8])


def test_row_counts_that_differ_keep_the_marker(tmp_path: Path) -> None:
    database = FakeDatabase({})
    database.after_restore = {"experiments": 2}
    with pytest.raises(InputError, match="such as experiments: 1 before, 2 now"):
        restore(database, tmp_path / "d")
    assert MARKER in database.rows


def test_provisional_restore_is_replaced_until_it_is_final(tmp_path: Path) -> None:
    database = FakeDatabase({})
    database.after_restore = {"experiments": 1}
    restore(database, tmp_path / "d", provisional=True)
    assert database.rows == {MARKER: 0, "experiments": 1}
    assert restore(database, tmp_path / "d", provisional=True).begun_anew
    assert make_final(MYSQL, database, dry_run=True).changed
    assert MARKER in database.rows
    assert make_final(MYSQL, database, dry_run=False).changed
    assert database.rows == {"experiments": 1}
    assert not make_final(MYSQL, database, dry_run=False).changed


def test_full_disk_is_foreseen(tmp_path: Path) -> None:
    database = FakeDatabase({})
    with pytest.raises(InputError, match=r"The disk under the database in old-db-1 .* make room"):
        restore(database, tmp_path / "d", source_bytes=2501, dry_run=True)
    with pytest.raises(InputError, match="make room"):
        restore(database, tmp_path / "d", source_bytes=2501)
    assert database.rows == {}


def test_a_run_that_still_works_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "d")
    with only_one(path), pytest.raises(InputError, match="Another run has been working"), only_one(path, 0.3):
        pass
    with only_one(path, 0):
        pass


def test_check_mode_of_the_restore(tmp_path: Path) -> None:
    database = FakeDatabase({})
    assert restore(database, tmp_path / "d", dry_run=True).rows == {}
    assert database.rows == {}


FAKE_DOCKER = """#!/bin/sh
case "$*" in
*mysqldump*) printf '%s' "$OUTPUT"; echo "mysqldump: Error: 'SELECT command denied'" >&2; exit 0 ;;
*mysql*) echo "ERROR 1045 (28000): Access denied for user 'mlflow'@'localhost' ($MYSQL_PWD)" >&2; exit 1 ;;
*pg_restore*) head -c 1 > /dev/null; echo "pg_restore: error: could not execute query" >&2; exit 1 ;;
*) echo "Error response from daemon: container 0123 is not running" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docker").write_text(FAKE_DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.usefixtures("fake_docker")
def test_errors_of_the_programs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="refuses user 'mlflow'") as wrong:
        Runner().sql(MYSQL, "SELECT 1")
    assert OPTION["password"] not in str(wrong.value)
    # mysqldump says so and ends with 0.
    with pytest.raises(InputError, match="SELECT command denied"), (tmp_path / "d").open("w+b") as file:
        Runner().dump(MYSQL, file)
    with pytest.raises(InputError, match="could not execute query"):
        Runner().restore(POSTGRES, [b"x" * 100_000] * 50)
    with pytest.raises(InputError, match="old-db-1 does not run"):
        Runner().sql(POSTGRES, "SELECT 1")
