# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Database URIs: whatever a password holds arrives unchanged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.database_uri import FilterModule
from hypothesis import given
from hypothesis import strategies as st

database_uri: Callable[..., Any] = FilterModule().filters()["database_uri"]

PARTS: dict[str, Any] = {
    "dialect": "mysql",
    "driver": "pymysql",
    "user": "mlflow",
    "password": "secret",
    "host": "mysql",
    "port": 3306,
    "name": "mlflow",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(user=TEXT, password=TEXT)
def test_user_and_password_come_back(user: str, password: str) -> None:
    url = urlsplit(database_uri({**PARTS, "driver": "psycopg", "user": user, "password": password}))

    assert (unquote(url.username or ""), unquote(url.password or "")) == (user, password)
    assert (url.scheme, url.hostname, url.port, url.path) == ("mysql+psycopg", "mysql", 3306, "/mlflow")


@given(password=TEXT)
def test_password_comes_out_of_pymysql_as_utf8(password: str) -> None:
    url = urlsplit(database_uri({**PARTS, "password": password}))

    assert unquote(url.password or "").encode("latin-1") == password.encode()


def test_the_awkward_password_of_the_lab() -> None:
    assert database_uri({**PARTS, "driver": "psycopg", "password": "$\"'\\#%@:/? ä+"}) == (
        "mysql+psycopg://mlflow:%24%22%27%5C%23%25%40%3A%2F%3F%20%C3%A4%2B@mysql:3306/mlflow"
    )


@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=3))
def test_query_comes_back(query: dict[str, str]) -> None:
    url = urlsplit(database_uri({**PARTS, "query": query}))

    assert dict(parse_qsl(url.query)) == query


def test_optional_parts_may_be_absent() -> None:
    parts = {key: value for key, value in PARTS.items() if key not in ("driver", "port")}

    assert database_uri(parts) == "mysql://mlflow:secret@mysql/mlflow"


def test_ipv6_address_is_bracketed() -> None:
    assert urlsplit(database_uri({**PARTS, "host": "fd00::5"})).netloc.endswith("@[fd00::5]:3306")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": ""}, "lacks the key 'password'"),
        ({"host": None}, "lacks the key 'host'"),
        ({"database": "x"}, "does not know the key 'database'"),
        ({"host": "db/other"}, "cannot use the host 'db/other'"),
        ({"host": "u@db"}, "cannot use the host"),
        ({"port": "33o6"}, "cannot use the port '33o6'"),
        ({"port": 70000}, "cannot use the port '70000'"),
        ({"port": True}, "cannot use the port"),
        ({"name": "a?b"}, "cannot use the name 'a?b'"),
        ({"dialect": "MySQL"}, "cannot use the dialect"),
        ({"query": "charset=utf8mb4"}, "wants a dict as query"),
    ],
)
def test_unusable_part_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match="database_uri") as failure:
        database_uri({**PARTS, "password": "hush-hush", **change})
    assert sentence in str(failure.value)
    assert "hush-hush" not in str(failure.value)


def test_text_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="wants a dict"):
        database_uri("mysql://")
