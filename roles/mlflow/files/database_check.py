"""Ask an external database what MLflow needs of it; what is made for that is removed again.

Reads a JSON object from standard input: `uri`, and where authorities are given `ca_path` and `ca_certificate`.
Prints one with what was found.
"""

# The names in the statements are made here.
# ruff: noqa: S608

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.engine import Connection, Engine

CONNECT_SECONDS = 10
CHECK = f"onprem_mlflow_check_{uuid.uuid4().hex[:12]}"

FACTS = {
    "mysql": {
        "version": "SELECT VERSION()",
        "encoding": "SELECT default_character_set_name FROM information_schema.schemata WHERE schema_name = DATABASE()",
        "tables": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
        "unusable": (
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type = 'BASE TABLE' AND LEFT(table_collation, 7) <> 'utf8mb4'"
        ),
    },
    "postgresql": {
        "version": "SHOW server_version",
        "encoding": "SHOW server_encoding",
        "tables": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
        # Who does not own a table may not alter it.
        "unusable": (
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            " AND NOT pg_has_role(current_user, tableowner, 'USAGE')"
        ),
    },
}

# Each step needs a privilege that MLflow's schema needs. The first one is tried on what is not there.
STEPS = (
    ("DROP", f"DROP TABLE IF EXISTS {CHECK}_b, {CHECK}_a"),
    ("CREATE", f"CREATE TABLE {CHECK}_a (id INT PRIMARY KEY)"),
    ("ALTER", f"ALTER TABLE {CHECK}_a ADD COLUMN note VARCHAR(16)"),
    ("INDEX", f"CREATE INDEX {CHECK}_i ON {CHECK}_a (note)"),
    ("REFERENCES", f"CREATE TABLE {CHECK}_b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES {CHECK}_a (id))"),
    ("INSERT", f"INSERT INTO {CHECK}_a (id, note) VALUES (1, 'check')"),
    ("SELECT", f"SELECT id FROM {CHECK}_a"),
    ("UPDATE", f"UPDATE {CHECK}_a SET note = 'checked' WHERE id = 1"),
    ("DELETE", f"DELETE FROM {CHECK}_a WHERE id = 1"),
)
TRIGGER = ("TRIGGER", f"CREATE TRIGGER {CHECK}_t BEFORE UPDATE ON {CHECK}_a FOR EACH ROW SET NEW.note = OLD.note")


def failure(step: str, error: sqlalchemy.exc.DBAPIError) -> dict[str, Any]:
    original = error.orig
    words = original.args if original else ()
    # PyMySQL gives MySQL's number and a text, psycopg a text and, after the login, PostgreSQL's code.
    number = next((word for word in words if isinstance(word, int)), None)
    code = number or getattr(original, "sqlstate", None)
    return {"step": step, "code": code, "text": str(words[-1] if words else error)}


def try_steps(connection: Connection, dialect: str) -> dict[str, Any] | None:
    """Return the first step that is refused."""
    for step, sql in (*STEPS, *([TRIGGER] if dialect == "mysql" else [])):
        try:
            connection.exec_driver_sql(sql)
        except sqlalchemy.exc.DBAPIError as error:
            return failure(step, error)
    return None


def ask(engine: Engine) -> dict[str, Any]:
    dialect = engine.dialect.name
    try:
        connection = engine.connect()
    except sqlalchemy.exc.DBAPIError as error:
        return {"failed": failure("connect", error)}
    with connection:
        facts: dict[str, Any] = {}
        for name, sql in FACTS[dialect].items():
            rows = [row[0] for row in connection.exec_driver_sql(sql)]
            facts[name] = rows if name in ("tables", "unusable") else rows[0]
        connection.rollback()
        # PostgreSQL takes tables back with the transaction, MySQL commits each.
        facts["failed"] = try_steps(connection, dialect)
        connection.rollback()
        if dialect == "mysql" and (facts["failed"] or {}).get("step") != "DROP":
            connection.exec_driver_sql(STEPS[0][1])
    return facts


def main() -> None:
    request = json.load(sys.stdin)
    if request.get("ca_certificate"):
        Path(request["ca_path"]).write_text(request["ca_certificate"], encoding="utf-8")
    engine = sqlalchemy.create_engine(
        request["uri"], poolclass=sqlalchemy.pool.NullPool, connect_args={"connect_timeout": CONNECT_SECONDS}
    )
    print(json.dumps(ask(engine)))


if __name__ == "__main__":
    main()
