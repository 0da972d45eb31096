# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database that exists elsewhere: what of its description cannot be, and what its answers mean to an operator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.ca_certificate import ca_certificate_problems
from ansible_collections.onprem.mlflow.plugins.module_utils.database_uri import database_uri
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

ENGINES = {"mysql": "MySQL", "postgresql": "PostgreSQL"}
OLDEST = {"mysql": (8, 0), "postgresql": (14,)}
ENCODINGS = {"mysql": "utf8mb4", "postgresql": "UTF8"}
PRIVILEGES = {
    "mysql": "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES and TRIGGER on {name}.*",
    "postgresql": "USAGE and CREATE on the schema of the database {name!r} that its search_path names first",
}
# MLflow's own; more than one program keeps its versions in a table of the first name.
MLFLOW_TABLES = frozenset(("alembic_version", "experiments"))
# What a first start leaves that was interrupted; the next one makes the tables anew.
FIRST_START = "onprem_mlflow_first_start"
MAX_SHOWN = 200

# A URI takes any of both.
_LOGIN = {"user": "user", "password": "password"}
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DENIED = {"mysql": (1044, 1142, 1143, 1227), "postgresql": ("42501", "3F000")}
_READ_ONLY = {"mysql": (1290, 1836), "postgresql": ("25006",)}
_BINLOG = 1419
_UNKNOWN_NAME = re.compile(r"(?i)name or service not known|name resolution|failed to resolve|translate host|no address")
_SILENT = re.compile(r"(?i)refused|timed? ?out|timeout expired|no route|unreachable")
_WRONG_NAME = re.compile(r"(?i)hostname mismatch|ip address mismatch|does not match host name|not valid for")
_UNTRUSTED = re.compile(r"(?i)certificate verify failed")
_NO_TLS = re.compile(r"(?i)does ?n[o']t support (it|ssl)")
_WANTS_TLS = re.compile(r"(?i)insecure transport|no encryption|SSL off")


def check_external_database(variable: str, option: Mapping[str, Any]) -> list[str]:
    """Complain about a database that MLflow's container could not use; it is not asked here."""
    if not option:
        return []
    problems = []
    host = str(option["host"])
    try:
        database_uri(
            {"dialect": option["engine"], **_LOGIN, **{key: option.get(key) for key in ("host", "port", "name")}}
        )
    except InputError as exc:
        problems.append(str(exc).replace("database_uri", f"{variable}:"))
    if host == "localhost" or host.startswith("127.") or host == "::1":
        problems.append(
            f"{variable}.host: found {host!r}, which is MLflow's own container when it asks,"
            " write the name or the address that other machines use."
        )
    if option.get("network") and not _NETWORK.fullmatch(str(option["network"])):
        problems.append(
            f"{variable}.network: found {option['network']!r}, write a name as `docker network ls` shows it."
        )
    return problems + _check_tls(variable, option.get("tls"), option.get("ca_certificate"))


def _check_tls(variable: str, tls: object, certificate: object) -> list[str]:
    if tls == "verify" and not certificate:
        return [
            f"{variable}.ca_certificate: is missing, write the certificates that tls 'verify' is to trust, as text."
        ]
    if certificate and tls not in (None, "verify"):
        return [f"{variable}.ca_certificate: is of no use with tls {tls!r}, remove it, or write 'verify'."]
    if not certificate:
        return []
    return ca_certificate_problems(f"{variable}.ca_certificate", str(certificate), "the database")


def database_problem(variable: str, connection: Mapping[str, Any], answer: Mapping[str, Any]) -> str | None:
    """Return a sentence where the database is not what MLflow needs; `answer` is what database_check.py printed."""
    failed = answer.get("failed")
    if failed and failed["step"] == "connect":
        return _login_problem(variable, connection, failed["code"], failed["text"])
    engine = ENGINES[connection["dialect"]]
    return (
        _version_problem(variable, connection["dialect"], str(answer["version"]))
        or _encoding_problem(variable, connection, str(answer["encoding"]))
        or _tables_problem(variable, connection, answer["tables"], answer["unusable"])
        or (failed and _step_problem(variable, connection, failed, f"{engine} at {place(connection)}"))
        or None
    )


def place(connection: Mapping[str, Any]) -> str:
    """Name the database's address."""
    return f"{connection['host']}:{connection['port']}"


def _login_problem(variable: str, connection: Mapping[str, Any], code: object, text: str) -> str:
    where = place(connection)
    user, name = connection["user"], connection["name"]
    reason = _shorten(text)
    if _UNKNOWN_NAME.search(text):
        return (
            f"{variable}.host: found {connection['host']!r}, a name that this server's containers cannot find,"
            " correct it, write an address, or write the Docker network that knows it as network."
        )
    if _WRONG_NAME.search(text):
        return (
            f"{variable}.host: found {connection['host']!r}, but the certificate of {where} is not for that name,"
            " write the name that it is for."
        )
    if _UNTRUSTED.search(text):
        return (
            f"{variable}.ca_certificate: did not sign the certificate that {where} shows ({reason}),"
            " write the authority's that did."
        )
    if _NO_TLS.search(text):
        return f"{variable}.tls: {where} does not speak TLS, turn it on there, or write 'disable'."
    if code == 3159 or _WANTS_TLS.search(text):
        return f"{variable}.tls: {where} lets {user!r} in with TLS only ({reason}), write 'require' or 'verify'."
    if code in (1045, "28P01") or "password authentication failed" in text:
        return f"{variable}.password: {where} refuses the login of {user!r}, correct the user or the password."
    if code in (1049, "3D000") or re.search(r'database ".*" does not exist', text):
        return (
            f"{variable}.name: {where} has no database {name!r}, make it there, or write the name of one that it has."
        )
    if code == 1044:
        return (
            f"{variable}.user: {where} does not let {user!r} use the database {name!r}, give it {_wanted(connection)}."
        )
    if _SILENT.search(text):
        return (
            f"{variable}.host: {where} does not answer from this server's containers ({reason}),"
            " correct host and port, or open the way to it."
        )
    return f"{variable}: {where} does not let {user!r} in ({reason}), correct what it names."


def _version_problem(variable: str, dialect: str, version: str) -> str | None:
    if "mariadb" in version.lower():
        return f"{variable}.host: found MariaDB ({version}), which is not supported, write the address of a MySQL."
    numbers = re.match(r"(\d+)(?:\.(\d+))?", version)
    found = tuple(int(number or 0) for number in numbers.groups()) if numbers else (0,)
    if found >= OLDEST[dialect]:
        return None
    oldest = ".".join(str(number) for number in OLDEST[dialect])
    return f"{variable}.host: found {ENGINES[dialect]} {version}, write the address of a {oldest} or later."


def _encoding_problem(variable: str, connection: Mapping[str, Any], encoding: str) -> str | None:
    wanted, name = ENCODINGS[connection["dialect"]], connection["name"]
    if encoding.lower() == wanted.lower():
        return None
    advice = (
        f"run ALTER DATABASE {name} CHARACTER SET utf8mb4 there"
        if connection["dialect"] == "mysql"
        else "write the name of one that was made with ENCODING 'UTF8'"
    )
    return f"{variable}.name: the database {name!r} has the character set {encoding} and not {wanted}, {advice}."


def _tables_problem(
    variable: str, connection: Mapping[str, Any], tables: Sequence[str], unusable: Sequence[str]
) -> str | None:
    name = connection["name"]
    if tables and FIRST_START not in tables and not set(tables) >= MLFLOW_TABLES:
        return (
            f"{variable}.name: the database {name!r} holds tables that are not MLflow's, such as {min(tables)!r},"
            " write the name of an empty one."
        )
    if not unusable:
        return None
    if connection["dialect"] == "mysql":
        return (
            f"{variable}.name: the table {min(unusable)!r} in the database {name!r} is not in utf8mb4,"
            f" run ALTER TABLE {min(unusable)} CONVERT TO CHARACTER SET utf8mb4 there, and so for others."
        )
    return (
        f"{variable}.user: does not own the table {min(unusable)!r} in the database {name!r}, write its owner,"
        f" or run ALTER TABLE {min(unusable)} OWNER TO {connection['user']} there, and so for others."
    )


def _step_problem(variable: str, connection: Mapping[str, Any], failed: Mapping[str, Any], where: str) -> str:
    dialect, user = connection["dialect"], connection["user"]
    if failed["code"] == _BINLOG:
        return (
            f"{variable}.host: {where} writes binary logs and lets {user!r} make no trigger, which MLflow's schema has,"
            " set log_bin_trust_function_creators = ON there."
        )
    if failed["code"] in _DENIED[dialect]:
        return f"{variable}.user: {where} does not let {user!r} {failed['step']}, give it {_wanted(connection)}."
    if failed["code"] in _READ_ONLY[dialect]:
        return f"{variable}.host: {where} takes no writes, write the address of the primary."
    return (
        f"{variable}: {where} refuses a test with {failed['step']} ({_shorten(failed['text'])}), correct what it names."
    )


def _wanted(connection: Mapping[str, Any]) -> str:
    return PRIVILEGES[connection["dialect"]].format(name=connection["name"])


def _shorten(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 3]}..."
