# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Database URIs in SQLAlchemy's form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

KEYS = ("dialect", "driver", "user", "password", "host", "port", "name", "query")
REQUIRED = ("dialect", "user", "password", "host", "name")

_SCHEME_PART = re.compile(r"[a-z][a-z0-9_]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
# SQLAlchemy takes the database's name as it stands, without percent-decoding it.
_NAME = re.compile(r"[A-Za-z0-9_.$-]+")


def database_uri(parts: object) -> str:
    """Join the parts to a URI; whatever a user name or a password holds is percent-encoded."""
    if not isinstance(parts, Mapping):
        raise InputError(f"database_uri wants a dict with the keys {', '.join(KEYS)}, not a {type(parts).__name__}.")
    unknown = sorted(str(key) for key in parts if key not in KEYS)
    if unknown:
        raise InputError(f"database_uri does not know the key {unknown[0]!r}, write one of: {', '.join(KEYS)}.")
    for key in REQUIRED:
        if parts.get(key) in (None, ""):
            raise InputError(f"database_uri lacks the key {key!r}, write a value for it.")

    scheme = _matching(parts, "dialect", _SCHEME_PART, "such as mysql or postgresql")
    if parts.get("driver"):
        scheme += "+" + _matching(parts, "driver", _SCHEME_PART, "such as pymysql or psycopg")
    password = _as_driver_sends_it(str(parts["password"]), str(parts.get("driver")))
    login = f"{quote(str(parts['user']), safe='')}:{quote(password, safe='')}"
    uri = f"{scheme}://{login}@{_host(str(parts['host']))}{_port(parts.get('port'))}"
    uri += "/" + _matching(parts, "name", _NAME, "of letters, digits and the characters _ . $ - only")
    query = parts.get("query")
    if query:
        if not isinstance(query, Mapping):
            raise InputError("database_uri wants a dict as query, such as {'charset': 'utf8mb4'}.")
        uri += "?" + urlencode({str(key): str(value) for key, value in query.items()}, quote_via=quote)
    return uri


def _as_driver_sends_it(password: str, driver: str) -> str:
    # PyMySQL encodes a password as Latin-1, where MySQL was given UTF-8.
    return password.encode().decode("latin-1") if driver == "pymysql" else password


def _matching(parts: Mapping[str, object], key: str, pattern: re.Pattern[str], hint: str) -> str:
    value = str(parts[key])
    if not pattern.fullmatch(value):
        raise InputError(f"database_uri cannot use the {key} {value!r}, write one {hint}.")
    return value


def _host(host: str) -> str:
    if _IPV6.fullmatch(host):
        return f"[{host}]"
    if not _HOST.fullmatch(host):
        raise InputError(f"database_uri cannot use the host {host!r}, write a host name or an address alone.")
    return host


def _port(port: object) -> str:
    if port in (None, ""):
        return ""
    text = str(port)
    if isinstance(port, bool) or not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise InputError(f"database_uri cannot use the port {text!r}, write a number from 1 to 65535.")
    return f":{int(text)}"
