# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One transaction in a database that runs in a container, through the client program of that container.

Neither the server nor Ansible needs a driver, and the database needs no port. A client that ends early has changed
nothing, since the database takes back what was not committed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import Place, must_succeed

FIELD, RECORD = "\x1f", "\x1e"
_MYSQL_ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def literal(value: Any, engine: str) -> str:
    """Write a value as SQL; nothing in it ends the literal, and the client takes nothing for its own commands."""
    text = str(value)
    if engine == "mysql":
        return f"_utf8mb4 x'{text.encode().hex()}'"
    return "'" + text.replace("'", "''") + "'"


def fill(sql: str, values: Sequence[Any], engine: str) -> str:
    """Put values where `%s` stands."""
    parts = sql.split("%s")
    if len(parts) != len(values) + 1:
        raise ValueError(f"{len(parts) - 1} places for {len(values)} values")
    literals = [literal(value, engine) for value in values]
    return "".join(part + value for part, value in zip(parts, [*literals, ""]))


def parse_rows(text: str, engine: str) -> list[tuple[str | None, ...]]:
    """Read what the client prints for a SELECT; a value NULL comes back as None."""
    if not text:
        return []
    lines = text.removesuffix("\n").split("\n" if engine == "mysql" else RECORD)
    rows = [line.split("\t" if engine == "mysql" else FIELD) for line in lines]
    return [tuple(_value(field, engine) for field in row) for row in rows]


def _value(field: str, engine: str) -> str | None:
    if field == "NULL":
        return None
    if engine != "mysql" or "\\" not in field:
        return field
    signs = iter(field)
    return "".join(sign if sign != "\\" else _MYSQL_ESCAPES.get(after := next(signs, ""), after) for sign in signs)


def session_command(place: Place) -> list[str]:
    """Return the command of a client that answers each statement at once."""
    words = place.client()
    if place.engine == "mysql":
        return [*words[:-1], "--unbuffered", words[-1]]
    return [*words, f"--field-separator={FIELD}", f"--record-separator={RECORD}", "--pset=null=NULL"]


class Session:
    """A client that runs."""

    def __init__(self, place: Place, process: subprocess.Popen[bytes], errors: Any) -> None:
        """Take the process, and the file that it writes errors to."""
        self._place = place
        self._process = process
        self._errors = errors
        self._row_count = "ROW_COUNT()" if place.engine == "mysql" else ":ROW_COUNT"
        # A line that no answer holds.
        self._end = f"end-{secrets.token_hex(16)}"

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[str | None, ...]]:
        """Return the rows of a SELECT."""
        return parse_rows(self._ask(fill(sql, values, self._place.engine)), self._place.engine)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        answer = self._ask(f"{fill(sql, values, self._place.engine)};\nSELECT {self._row_count}")
        return int(answer)

    def _ask(self, sql: str) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("pipes were asked for")
        # A client that ended says itself why.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{sql};\nSELECT '{self._end}';\n".encode())
            self._process.stdin.flush()
        lines: list[bytes] = []
        for line in self._process.stdout:
            if line == self._end.encode() + b"\n":
                return b"".join(lines).decode()
            lines.append(line)
        status = self._process.wait()
        self._errors.seek(0)
        must_succeed(self._place, "the client", status or 1, self._errors.read())
        raise RuntimeError("the client ended")


@contextlib.contextmanager
def transaction(place: Place, *, keep: bool, end: Sequence[str] = ()) -> Iterator[Session]:
    """Do all of it or nothing; `end` is run after the commit. With `keep` false, nothing stays."""
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            session_command(place),
            env={**os.environ, **place.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        session = Session(place, process, errors)
        try:
            yield session
            if keep:
                for sql in ("COMMIT", *end):
                    session.execute(sql)
        finally:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
