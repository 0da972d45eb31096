# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session of a client program, with a docker command that stands in for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import Place
from ansible_collections.onprem.mlflow.plugins.module_utils.container_session import (
    fill,
    parse_rows,
    session_command,
    transaction,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

OPTION = {"container": "db-1", "engine": "mysql", "name": "mlflow", "username": "mlflow", "password": "pä$$ 'word"}
MYSQL = Place.parse(OPTION, "database")
POSTGRES = Place.parse({**OPTION, "engine": "postgres"}, "database")

# Answers `SELECT 'text'` as a client does, writes down what it was asked, and ends where a statement fails.
FAKE_DOCKER = r"""#!/bin/sh
while read -r line; do
    printf '%s\n' "$line" >> "$ASKED"
    case $line in
    "SELECT '"*) line=${line#"SELECT '"}; printf '%s\n' "${line%"';"}" ;;
    "SELECT ROW_COUNT();") echo 3 ;;
    *LOCK*) test "$line" = "UNLOCK TABLES;" || { echo "ERROR 1205 (HY000): Lock wait timeout exceeded" >&2; exit 1; } ;;
    esac
done
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docker").write_text(FAKE_DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path / "asked"


def test_values_end_no_literal() -> None:
    hostile = "'; DROP TABLE runs; -- \\ :x %s"
    assert fill("a = %s AND b = %s", (hostile, 5), "postgres") == "a = '" + hostile.replace("'", "''") + "' AND b = '5'"
    filled = fill("a = %s", (hostile,), "mysql")
    assert bytes.fromhex(filled.removeprefix("a = _utf8mb4 x'").removesuffix("'")).decode() == hostile
    with pytest.raises(ValueError, match="1 places for 0 values"):
        fill("%s", (), "mysql")


def test_rows_come_back_as_they_were() -> None:
    assert parse_rows("a\\tb\\n\\\\\tNULL\n2\t3\n", "mysql") == [("a\tb\n\\", None), ("2", "3")]
    assert parse_rows("a\nb\x1fNULL\x1e2\x1f3\n", "postgres") == [("a\nb", None), ("2", "3")]
    assert parse_rows("", "postgres") == parse_rows("", "mysql") == []


@pytest.mark.parametrize("place", [MYSQL, POSTGRES])
def test_password_is_on_no_command_line(place: Place) -> None:
    words = session_command(place)
    assert words[:2] == ["docker", "exec"]
    assert not any(OPTION["password"] in word for word in words)


def test_commit_comes_last(asked: Path) -> None:
    with transaction(MYSQL, keep=True, end=("UNLOCK TABLES",)) as session:
        assert session.execute("UPDATE runs") == 3
        assert session.query("SELECT 'one'") == [("one",)]
    statements = [line for line in asked.read_text().splitlines() if not line.startswith("SELECT")]
    assert statements == ["UPDATE runs;", "COMMIT;", "UNLOCK TABLES;"]


@pytest.mark.parametrize("keep", [True, False])
def test_nothing_is_committed_after_an_error(asked: Path, keep: bool) -> None:
    with pytest.raises(InputError, match="stop MLflow"), transaction(MYSQL, keep=keep) as session:
        session.execute("UPDATE runs;\nLOCK TABLES runs WRITE")
    assert "COMMIT" not in asked.read_text()


def test_nothing_is_committed_that_is_not_to_be_kept(asked: Path) -> None:
    with transaction(MYSQL, keep=False, end=("UNLOCK TABLES",)) as session:
        session.execute("UPDATE runs")
    assert "COMMIT" not in asked.read_text()
