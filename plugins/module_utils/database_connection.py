# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to MLflow's database from the server, through the drivers that Debian packages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

CONNECT_SECONDS = 10
# Needed on the server, by engine.
LIBRARIES = {"mysql": "pymysql", "postgres": "psycopg2"}

DATABASE_OPTIONS: dict[str, Any] = {
    "engine": {"type": "str", "choices": ["mysql", "postgres"], "required": True},
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "name": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}
_PORTS = {"mysql": 3306, "postgres": 5432}

# What the servers answer, by MySQL's error number or Postgres's SQLSTATE.
_WRONG_LOGIN = {1044, 1045, 1698, "28P01", "28000"}
_NO_DATABASE = {1049, "3D000"}
_LOCKED = {1205, 1213, "55P03", "40P01"}
_NOT_ALLOWED = {1142, 1143, "42501"}


@dataclass(frozen=True)
class Database:
    """Where a database is and who logs in."""

    engine: str
    host: str
    port: int
    name: str
    username: str
    password: str

    @classmethod
    def parse(cls, option: Mapping[str, Any]) -> Database:
        """Take the option of a module; a missing port is the engine's own."""
        engine = option["engine"]
        return cls(
            engine=engine,
            host=option["host"],
            port=option.get("port") or _PORTS[engine],
            name=option["name"],
            username=option["username"],
            password=option["password"],
        )


class Session:
    """One transaction on a connection of either driver."""

    def __init__(self, connection: Any) -> None:
        """Take an open connection in its first transaction."""
        self._connection = connection

    def query(self, sql: str, values: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
        """Return the rows of a SELECT."""
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, tuple(values))
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
        return rows

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, tuple(values))
            return int(cursor.rowcount)


def open_connection(database: Database) -> Any:
    """Log in; ImportError where the driver is missing, else the driver's own errors."""
    if database.engine == "mysql":
        # By name: type checkers have no stubs for what only servers have.
        return import_module("pymysql").connect(
            host=database.host,
            port=database.port,
            user=database.username,
            # PyMySQL would encode text as Latin-1, where MySQL was given UTF-8.
            password=database.password.encode(),
            database=database.name,
            charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS,
            autocommit=False,
        )
    return import_module("psycopg2").connect(
        host=database.host,
        port=database.port,
        user=database.username,
        password=database.password,
        dbname=database.name,
        client_encoding="UTF8",
        connect_timeout=CONNECT_SECONDS,
    )


@contextlib.contextmanager
def transaction(connection: Any, *, keep: bool, end: Sequence[str] = ()) -> Iterator[Session]:
    """Do all of it or nothing; `end` is run after the commit. With `keep` false, nothing stays."""
    session = Session(connection)
    with contextlib.closing(connection):
        try:
            yield session
        except BaseException:
            connection.rollback()
            raise
        if keep:
            connection.commit()
            for sql in end:
                session.execute(sql)
        else:
            connection.rollback()


def is_driver_error(error: BaseException) -> bool:
    """Tell whether a driver raised it."""
    return type(error).__module__.partition(".")[0] in LIBRARIES.values()


def explain(error: BaseException, database: Database, variable: str) -> str:
    """Say in one sentence what a driver's error means to an operator."""
    code = getattr(error, "pgcode", None) or (error.args[0] if error.args else None)
    where = f"{database.host}:{database.port}"
    text = " ".join(str(error.args[-1] if error.args else error).split())
    # psycopg2 gives no code for what fails before the login.
    if code in _WRONG_LOGIN or "password authentication failed" in text:
        return f"{variable}: {where} refuses user {database.username!r}, write the right username and password."
    if code in _NO_DATABASE or (f'database "{database.name}" does not exist' in text):
        return f"{variable}.name: there is no database {database.name!r} on {where}, write one that is there."
    if code in _LOCKED:
        return f"Somebody else writes to the database {database.name!r}: stop MLflow, then run this again."
    if code in _NOT_ALLOWED:
        return f"{variable}.username: {database.username!r} may not do this ({text}), write a user who may."
    if code == 2003 or (isinstance(code, str) and "onnection" in code):
        return f"{variable}: the {database.engine} on {where} does not answer ({text}), see whether it runs."
    return f"The {database.engine} on {where} failed: {text}"
