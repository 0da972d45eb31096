# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dump and restore of a MySQL or Postgres that runs in a container, with the programs of that container.

The password goes by the environment of `docker exec`, so no command line shows it.
"""

# The names in the statements come from the database's own catalogue, or are checked.
# ruff: noqa: S608

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mysql_dump import collation_of, for_our_mysql

# Exists while a dump is being restored, and until that is final: what a killed run leaves is nobody's data.
MARKER = "onprem_mlflow_adopt"
DUMP_COMPLETED = b"-- Dump completed"
# The dump, and the copy that is made from it.
SPACE_FACTOR = 2
# The tables, and the log of changes that the server writes beside them.
RESTORE_FACTOR = 2
# A run that was killed leaves its programs behind, which end by themselves.
WAIT_SECONDS = 600
_DATA_FOLDERS = {"mysql": "/var/lib/mysql", "postgres": "/var/lib/postgresql/data"}
DATABASE_OPTIONS: dict[str, Any] = {
    "container": {"type": "str", "required": True},
    "engine": {"type": "str", "choices": ["mysql", "postgres"], "required": True},
    "name": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}

# Ours lets nobody but the superuser in by its socket.
_POSTGRES_ADDRESS = ("--host=127.0.0.1",)
_NAME = re.compile(r"[A-Za-z0-9_.$][A-Za-z0-9_.$-]*")
_PROGRAM_ERROR = re.compile(r"(?i)\berror\b")

_MYSQL_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"
_POSTGRES_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
_MYSQL_BYTES = (
    "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()"
)
_POSTGRES_BYTES = "SELECT pg_database_size(current_database())"
_POSTGRES_DROP = """
DO $drop$
DECLARE item record;
BEGIN
  FOR item IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> '{marker}' LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', item.tablename);
  END LOOP;
  FOR item IN SELECT p.oid::regprocedure AS signature FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema()
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', item.signature);
  END LOOP;
  FOR item IN SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = current_schema() AND t.typtype = 'e' LOOP
    EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', item.typname);
  END LOOP;
END
$drop$
"""


class RefusedError(InputError):
    """A login that the database refuses."""


@dataclass(frozen=True)
class Place:
    """A database in a container, and who logs in."""

    container: str
    engine: str
    name: str
    username: str
    password: str

    @classmethod
    def parse(cls, option: Mapping[str, Any], variable: str) -> Place:
        """Take the option of a module; InputError for names that a program could take for an option."""
        for key in ("container", "name", "username"):
            if not _NAME.fullmatch(option[key]):
                raise InputError(f"{variable}.{key}: found {option[key]!r}, write letters, digits and _ . $ - only.")
        return cls(**{key: option[key] for key in DATABASE_OPTIONS})

    @property
    def environment(self) -> dict[str, str]:
        """What the programs take the password from."""
        return {"MYSQL_PWD" if self.engine == "mysql" else "PGPASSWORD": self.password}

    def exec(self, *words: str) -> list[str]:
        """Return the command that runs a program in the container, with the password's variable by its name only."""
        (variable,) = self.environment
        return ["docker", "exec", "--interactive", "--env", variable, self.container, *words]

    def client(self) -> list[str]:
        """Return the command that reads SQL and prints rows with tabs."""
        if self.engine == "mysql":
            return self.exec(
                "mysql",
                f"--user={self.username}",
                "--default-character-set=utf8mb4",
                "--max-allowed-packet=1G",
                "--batch",
                "--skip-column-names",
                self.name,
            )
        return self.exec(
            "psql",
            *_POSTGRES_ADDRESS,
            f"--username={self.username}",
            f"--dbname={self.name}",
            "--no-password",
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
        )

    def dump(self, options: Sequence[str] = ()) -> list[str]:
        """Return the command that prints the dump."""
        if self.engine == "mysql":
            return self.exec(
                "mysqldump",
                f"--user={self.username}",
                "--default-character-set=utf8mb4",
                "--max-allowed-packet=1G",
                "--single-transaction",
                "--quick",
                "--routines",
                "--triggers",
                "--hex-blob",
                "--no-tablespaces",
                "--set-gtid-purged=OFF",
                # New in 9.7, and needs a right that MLflow's user has not.
                "--loose-skip-masking-policies",
                *options,
                self.name,
            )
        return self.exec(
            "pg_dump",
            *_POSTGRES_ADDRESS,
            f"--username={self.username}",
            f"--dbname={self.name}",
            "--no-password",
            "--format=custom",
            "--encoding=UTF8",
            "--no-owner",
            "--no-acl",
            *options,
        )

    def restore(self) -> list[str]:
        """Return the command that takes the dump."""
        if self.engine == "mysql":
            return self.client()
        return self.exec(
            "pg_restore",
            *_POSTGRES_ADDRESS,
            f"--username={self.username}",
            f"--dbname={self.name}",
            "--no-password",
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-acl",
            "--no-comments",
        )


class Runner:
    """Runs the commands."""

    def _run(self, place: Place, command: list[str], **streams: Any) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, **place.environment}
        return subprocess.run(command, env=environment, check=False, stderr=subprocess.PIPE, **streams)

    def sql(self, place: Place, statement: str) -> list[str]:
        """Return the lines that a statement prints."""
        done = self._run(place, place.client(), input=statement.encode() + b";\n", stdout=subprocess.PIPE)
        must_succeed(place, "the client", done.returncode, done.stderr)
        return [line for line in done.stdout.decode().split("\n") if line]

    def free_bytes(self, place: Place) -> int:
        """Tell how much room the database's files have."""
        command = place.exec("df", "-Pk", _DATA_FOLDERS[place.engine])
        done = self._run(place, command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        must_succeed(place, "df", done.returncode, done.stderr)
        return int(done.stdout.decode().splitlines()[-1].split()[-3]) * 1024

    def dump(self, place: Place, file: IO[bytes], options: Sequence[str] = ()) -> None:
        """Write the dump to a file."""
        done = self._run(place, place.dump(options), stdin=subprocess.DEVNULL, stdout=file)
        must_succeed(place, "the dump", done.returncode, done.stderr)
        # mysqldump ends with 0 though it could not read something.
        if _PROGRAM_ERROR.search(done.stderr.decode(errors="replace")):
            must_succeed(place, "the dump", 1, done.stderr)

    def restore(self, place: Place, chunks: Iterable[bytes]) -> None:
        """Feed a dump to the database."""
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(
                place.restore(),
                env={**os.environ, **place.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            ) as process:
                if process.stdin is None:
                    raise RuntimeError("a pipe was asked for")
                # The program says itself why it does not read on.
                with contextlib.suppress(BrokenPipeError):
                    for chunk in chunks:
                        process.stdin.write(chunk)
                    process.stdin.close()
            errors.seek(0)
            must_succeed(place, "the restore", process.returncode, errors.read())


def must_succeed(place: Place, what: str, status: int, stderr: bytes) -> None:
    """Say in one sentence what a program's error means to an operator."""
    if status == 0:
        return
    text = " ".join(stderr.decode(errors="replace").replace(place.password, "***").split())
    if "is not running" in text or "No such container" in text:
        raise InputError(f"The container {place.container} does not run, start it.")
    if re.search(
        r"Access denied for user|password authentication failed|role .* does not exist|pg_hba\.conf rejects connection",
        text,
    ):
        raise RefusedError(
            f"The database in {place.container} refuses user {place.username!r} for {place.name!r}, write the right"
            " username and password."
        )
    if re.search(r"Unknown database|database .* does not exist", text):
        raise InputError(f"There is no database {place.name!r} in {place.container}, write one that is there.")
    if re.search(r"Can't connect to local|system is (?:starting up|shutting down)|Is the server running", text):
        raise InputError(f"The database in {place.container} does not answer, wait until it has started.")
    if re.search(r"Lock wait timeout|lock timeout|Deadlock found|deadlock detected", text):
        raise InputError(f"Somebody else writes to the database {place.name!r}: stop MLflow, then run this again.")
    raise InputError(f"In {place.container}, {what} of {place.name} failed with status {status}: {text[-600:]}")


class Engine:
    """What is asked of one database, whichever engine it is."""

    def __init__(self, place: Place, runner: Runner) -> None:
        """Take where it is."""
        self.place = place
        self._runner = runner
        self._mysql = place.engine == "mysql"

    def sql(self, statement: str) -> list[str]:
        """Run a statement."""
        return self._runner.sql(self.place, statement)

    def tables(self) -> list[str]:
        """Name all tables and, on MySQL, views."""
        return self.sql(_MYSQL_TABLES if self._mysql else _POSTGRES_TABLES)

    def rows(self) -> dict[str, int]:
        """Count the rows of each table but the marker."""
        quote = "`" if self._mysql else '"'
        tables = [table for table in self.tables() if table != MARKER]
        if not tables:
            return {}
        selects = [f"SELECT {index}, COUNT(*) FROM {quote}{table}{quote}" for index, table in enumerate(tables)]
        lines = self.sql(" UNION ALL ".join(selects))
        counts = dict(re.split(r"[\t|]", line) for line in lines)
        return {table: int(counts[str(index)]) for index, table in enumerate(tables)}

    def version(self) -> tuple[int, ...]:
        """Tell the server's version, as many numbers as say whether a dump can be read: 9.7 or 17."""
        text = self.sql("SELECT VERSION()" if self._mysql else "SHOW server_version")[0]
        numbers = tuple(int(number) for number in re.findall(r"\d+", text)[:2])
        return numbers if self._mysql else numbers[:1]

    def bytes(self) -> int:
        """Estimate the size."""
        return int(self.sql(_MYSQL_BYTES if self._mysql else _POSTGRES_BYTES)[0])

    def free_bytes(self) -> int:
        """Tell how much room its files have."""
        return self._runner.free_bytes(self.place)

    def mark(self) -> None:
        """Say that a restore has begun."""
        self.sql(f"CREATE TABLE {MARKER} (id INT PRIMARY KEY)")

    def unmark(self) -> None:
        """Say that the restore is complete."""
        self.sql(f"DROP TABLE {MARKER}")

    def empty(self) -> None:
        """Drop what an interrupted restore left; the marker stays."""
        if not self._mysql:
            self.sql(_POSTGRES_DROP.format(marker=MARKER))
            return
        rows = self.sql(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE()"
            f" AND table_name <> '{MARKER}'"
        )
        kinds = dict(row.split("\t") for row in rows)
        drops = [f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`" for name, kind in kinds.items()]
        if drops:
            self.sql("SET FOREIGN_KEY_CHECKS = 0; " + "; ".join(drops))


@contextlib.contextmanager
def only_one(path: str, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Wait for a run that was killed, whose programs still work with dumps in the same folder."""
    folder = os.open(Path(path).parent, os.O_RDONLY)
    try:
        end = time.monotonic() + seconds
        while not _is_locked(folder):
            if time.monotonic() > end:
                raise InputError(f"Another run has been working with {path} for {int(seconds)} s: wait for its end.")
            time.sleep(0.2)
        yield
    finally:
        os.close(folder)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass
class Dumped:
    """What a dump holds."""

    path: str
    bytes: int
    rows: dict[str, int]
    database_bytes: int


def dump_database(place: Place, path: str, runner: Runner, *, dry_run: bool) -> Dumped:
    """Dump to a file that only its owner reads, whole or not at all; nobody may write meanwhile."""
    engine = Engine(place, runner)
    rows = engine.rows()
    if "alembic_version" not in rows:
        raise InputError(
            f"The database {place.name!r} in {place.container} holds no tables of MLflow, write the name of MLflow's."
        )
    database_bytes = engine.bytes()
    needed, folder = database_bytes * SPACE_FACTOR, Path(path).parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder} has {free // 2**20} MiB free, but the dump and its copy need about {needed // 2**20} MiB:"
            " make room."
        )
    if dry_run:
        return Dumped(path, 0, rows, database_bytes)
    with only_one(path):
        size = _write_dump(engine, path, rows, runner)
    return Dumped(path, size, rows, database_bytes)


def _write_dump(engine: Engine, path: str, rows: Mapping[str, int], runner: Runner) -> int:
    place, part = engine.place, Path(f"{path}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        runner.dump(place, file)
        size = os.fstat(file.fileno()).st_size
        if place.engine == "mysql":
            must_be_complete(file, size)
        os.fsync(file.fileno())
    if engine.rows() != rows:
        part.unlink()
        raise InputError(
            f"Rows were written to {place.name} in {place.container} meanwhile, stop whatever writes to it."
        )
    part.rename(path)
    return size


def must_be_complete(file: IO[bytes], size: int) -> None:
    """Raise InputError where a dump of MySQL lacks its last line."""
    file.seek(max(0, size - 200))
    if DUMP_COMPLETED not in file.read():
        raise InputError("mysqldump ended before its last line, look at the log of the old database.")


@dataclass
class Restored:
    """What a restore did, or would do."""

    rows: dict[str, int]
    begun_anew: bool
    changed: bool


def restore_database(
    place: Place,
    path: str,
    expected: Mapping[str, int] | None,
    runner: Runner,
    *,
    source_version: Sequence[int],
    source_bytes: int = 0,
    provisional: bool = False,
    replace: bool = False,
    dry_run: bool,
) -> Restored:
    """Restore into an empty database, or into one that an interrupted restore left; the rows must be as expected.

    What is provisional may be replaced by the next restore, until it is made final. With `replace` the database may
    hold anything.
    """
    engine = Engine(place, runner)
    if tuple(source_version) > engine.version():
        raise InputError(
            f"The old database is of version {_dotted(source_version)}, ours in {place.container} of"
            f" {_dotted(engine.version())}, choose a newer image for ours."
        )
    if dry_run:
        return Restored({}, _is_marked(engine, source_bytes, replace), changed=True)
    with only_one(path):
        # After the wait: until then, another run may have worked on it.
        marked = _is_marked(engine, source_bytes, replace)
        if not marked:
            engine.mark()
        if marked or replace:
            engine.empty()
        _feed(engine, path, runner)
        rows = engine.rows() if expected is None else _expected_rows(engine, expected)
        if not provisional:
            engine.unmark()
    return Restored(rows, marked, changed=True)


def make_final(place: Place, runner: Runner, *, dry_run: bool) -> Restored:
    """Take the mark away: from now on, no restore replaces what is there."""
    engine = Engine(place, runner)
    marked = MARKER in engine.tables()
    if marked and not dry_run:
        engine.unmark()
    return Restored(engine.rows(), begun_anew=False, changed=marked)


def _is_marked(engine: Engine, source_bytes: int, replace: bool) -> bool:
    place, tables = engine.place, engine.tables()
    marked = MARKER in tables
    if tables and not marked and not replace:
        raise InputError(
            f"The database {place.name!r} in {place.container} is not empty ({len(tables)} tables), and is not"
            " overwritten; remove its data folder if it holds nothing that is needed."
        )
    needed, free = source_bytes * RESTORE_FACTOR, engine.free_bytes()
    if free < needed:
        raise InputError(
            f"The disk under the database in {place.container} has {free // 2**20} MiB free, but the old database needs"
            f" about {needed // 2**20} MiB there: make room."
        )
    return marked


def _feed(engine: Engine, path: str, runner: Runner) -> None:
    place = engine.place
    if place.engine == "mysql":
        with Path(path).open("rb") as dump:
            collation = collation_of(dump)
        engine.sql(f"ALTER DATABASE `{place.name}` CHARACTER SET utf8mb4 COLLATE {collation}")
        with Path(path).open("rb") as dump:
            runner.restore(place, for_our_mysql(dump))
    else:
        with Path(path).open("rb") as dump:
            runner.restore(place, iter(lambda: dump.read(1 << 20), b""))


def _expected_rows(engine: Engine, expected: Mapping[str, int]) -> dict[str, int]:
    rows = engine.rows()
    different = sorted(table for table in rows.keys() | expected.keys() if rows.get(table) != expected.get(table))
    if different:
        table = different[0]
        raise InputError(
            f"After the restore, {len(different)} tables have another number of rows, such as {table}:"
            f" {expected.get(table)} before, {rows.get(table)} now. Run this again to restore anew."
        )
    return rows


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(number) for number in version)
