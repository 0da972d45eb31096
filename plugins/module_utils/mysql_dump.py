# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mysqldump wrote on an old server, made fit for a new one and a limited user."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_DEFINER = re.compile(
    rb"(/\*!500\d\d )?DEFINER=(`(?:[^`]|``)*`|[^\s@]+)@(`(?:[^`]|``)*`|[^\s*]+)( SQL SECURITY \w+)? ?(?:\*/ ?)?"
)
_DEFINING = (b"/*!50003 CREATE*/", b"/*!50013 DEFINER", b"/*!50001 CREATE", b"CREATE DEFINER", b"/*!50106 CREATE*/")
_COLUMN = re.compile(
    rb"^(?P<start>  `(?:[^`]|``)+` [a-z]+(?:\((?:[^)']|'[^']*')*\))?)"
    rb"(?: CHARACTER SET (?P<charset>\w+))?(?: COLLATE (?P<collation>\w+))?(?P<rest>[ ,].*|)$",
    re.DOTALL,
)
_TABLE_END = re.compile(rb"(?:DEFAULT )?CHARSET=(?P<charset>\w+)(?: COLLATE=(?P<collation>\w+))?")
_TABLE_START = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?`(?P<name>(?:[^`]|``)+)` \(")
_SQL_MODE = re.compile(rb"^(/\*!50003 SET sql_mode\s+= ')([^']*)(')")
# Modes of 5.7 that later servers do not know.
_GONE_MODES = {b"NO_AUTO_CREATE_USER", b"NO_FIELD_OPTIONS", b"NO_KEY_OPTIONS", b"NO_TABLE_OPTIONS", b"POSTGRESQL"}
_KEPT_COLLATIONS = ("general_ci", "unicode_ci", "unicode_520_ci", "bin")


def utf8mb4_collation(charset: str, collation: str | None) -> str:
    """Return the collation of utf8mb4 that compares like the given one, as near as there is one.

    MySQL 5.7 leaves its defaults out, which later servers do not share.
    """
    if charset == "utf8mb4":
        return collation or "utf8mb4_general_ci"
    if charset in ("utf8", "utf8mb3"):
        kind = (collation or "utf8mb3_general_ci").partition("_")[2]
        return f"utf8mb4_{kind}" if kind in _KEPT_COLLATIONS else "utf8mb4_0900_ai_ci"
    return "utf8mb4_bin" if (collation or "").endswith("_bin") else "utf8mb4_0900_ai_ci"


def collation_of(lines: Iterable[bytes]) -> str:
    """Find the collation of MLflow's tables in a dump: new tables refer to old ones, so must share it."""
    table = b""
    for line in lines:
        start = _TABLE_START.match(line)
        if start:
            table = start["name"]
        elif table == b"experiments" and line.startswith(b")"):
            end = _TABLE_END.search(line)
            if end:
                return _new_collation(end).decode()
    return "utf8mb4_0900_ai_ci"


def _new_collation(match: re.Match[bytes]) -> bytes:
    collation = match["collation"]
    return utf8mb4_collation(match["charset"].decode(), collation.decode() if collation else None).encode()


def for_our_mysql(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Change a dump's definitions so that our server and our limited user can take them; data passes as it is.

    Definers go, character sets become utf8mb4, and modes that are gone are left out.
    """
    in_table = False
    for line in lines:
        if in_table:
            in_table = not line.startswith(b")")
            yield _column_line(line) if in_table else _table_end_line(line)
        elif line.startswith((b"INSERT ", b"--")):
            yield line
        elif line.startswith(b"ALTER DATABASE "):
            # Names the old database.
            continue
        elif line.startswith(_DEFINING):
            yield _DEFINER.sub(b"", line, count=1)
        else:
            in_table = bool(_TABLE_START.match(line))
            yield _SQL_MODE.sub(_known_modes, line)


def _known_modes(match: re.Match[bytes]) -> bytes:
    modes = [mode for mode in match[2].split(b",") if mode not in _GONE_MODES]
    return match[1] + b",".join(modes) + match[3]


def _column_line(line: bytes) -> bytes:
    body = line.rstrip(b"\r\n")
    match = _COLUMN.match(body)
    if not match or not (match["charset"] or match["collation"]):
        return line
    charset = match["charset"] or match["collation"].partition(b"_")[0]
    collation = utf8mb4_collation(charset.decode(), match["collation"].decode() if match["collation"] else None)
    return match["start"] + b" CHARACTER SET utf8mb4 COLLATE " + collation.encode() + match["rest"] + b"\n"


def _table_end_line(line: bytes) -> bytes:
    return _TABLE_END.sub(lambda match: b"DEFAULT CHARSET=utf8mb4 COLLATE=" + _new_collation(match), line, count=1)
