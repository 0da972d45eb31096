"""Bring MLflow's database to the schema of the installed version, once at a time, also after a killed first try.

Does what `mlflow db upgrade URL` does, without the URL on a command line. With --check it changes nothing, and
ends with status 3 where there is something to do.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import mlflow.store.db.utils as db
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

LOCK_NAME = "onprem_mlflow_db_upgrade"
LOCK_NUMBER = 7_205_759
LOCK_SECONDS = 600
BEHIND = 3
# Exists only while the tables of an empty database are being made: what a killed run leaves holds no data yet.
MARKER = "onprem_mlflow_first_start"


def is_locked(connection: Connection, dialect: str) -> bool:
    """Take the database's own lock, which ends with the connection."""
    if dialect == "mysql":
        question = sqlalchemy.text("SELECT GET_LOCK(:name, :seconds)")
        return connection.execute(question, {"name": LOCK_NAME, "seconds": LOCK_SECONDS}).scalar() == 1
    connection.execute(sqlalchemy.text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
    connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:number)"), {"number": LOCK_NUMBER})
    return True


@contextlib.contextmanager
def only_one(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        # It has no lock that outlives a transaction: the kernel's ends with this process, too.
        with Path(f"{engine.url.database}.upgrade").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not is_locked(connection, engine.dialect.name):
            sys.exit(f"Another upgrade of this database has been running for {LOCK_SECONDS} s: wait for its end.")
        yield


def tables(engine: Engine) -> set[str]:
    return set(sqlalchemy.inspect(engine).get_table_names())


def drop_all(engine: Engine) -> None:
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine)
    # The marker goes last, so that a run killed here is cleaned up as well.
    marker = metadata.tables[MARKER]
    metadata.drop_all(engine, tables=[table for table in metadata.sorted_tables if table is not marker])


def name_after_table(table: sqlalchemy.Table, connection: Connection, **_: object) -> None:
    for key in table.foreign_key_constraints:
        if connection.dialect.name == "mysql" and key.name == "fk_user_id":
            key.name = f"fk_user_id_{table.name}"


def upgrade_login(engine: Engine) -> None:
    """Make or upgrade the tables of MLflow's own login, which are in the same database."""
    if "MLFLOW_AUTH_CONFIG_PATH" in os.environ:
        # It reads its settings when it is loaded.
        login = importlib.import_module("mlflow.server.auth.db.utils")
        # MLflow gives the keys of two tables one name, which MySQL refuses: github.com/mlflow/mlflow/issues/9642.
        sqlalchemy.event.listen(sqlalchemy.Table, "before_create", name_after_table)
        login.migrate(engine, "head")


def first_start(engine: Engine) -> None:
    if MARKER in tables(engine):
        print("An earlier first start was interrupted: making the tables anew.", flush=True)
        drop_all(engine)
    else:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"CREATE TABLE {MARKER} (id INT PRIMARY KEY)"))
    db._initialize_tables(engine)
    upgrade_login(engine)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"DROP TABLE {MARKER}"))


def login_is_current(engine: Engine) -> bool:
    if "MLFLOW_AUTH_CONFIG_PATH" not in os.environ:
        return True
    login = importlib.import_module("mlflow.server.auth.db.utils")
    url = engine.url.render_as_string(hide_password=False)
    head = ScriptDirectory.from_config(login._get_alembic_config(url)).get_current_head()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "alembic_version_auth"})
        return bool(context.get_current_revision() == head)


def check(engine: Engine) -> None:
    """Say whether servers of this version and those that run now can share the database as it is."""
    found = tables(engine)
    if not found or MARKER in found or db._get_schema_version(engine) != db._get_latest_schema_revision():
        sys.exit(BEHIND)
    if not login_is_current(engine):
        sys.exit(BEHIND)
    print(f"The database has the schema of MLflow {mlflow.__version__}.", flush=True)


def main() -> None:
    engine = db.create_sqlalchemy_engine_with_retry(os.environ["MLFLOW_BACKEND_STORE_URI"])
    if "--check" in sys.argv[1:]:
        check(engine)
        return
    with only_one(engine):
        found = tables(engine)
        if not found or MARKER in found:
            first_start(engine)
        else:
            db._upgrade_db(engine)
            upgrade_login(engine)
    print(f"The database has the schema of MLflow {mlflow.__version__}.", flush=True)


if __name__ == "__main__":
    main()
