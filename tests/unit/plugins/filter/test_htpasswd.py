# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The htpasswd file: right hashes, and none changed without need."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.htpasswd import FilterModule
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import apr_md5_crypt, bcrypt, sha512_crypt

htpasswd = FilterModule().filters()["htpasswd"]

NAME = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=":#"), min_size=1, max_size=12)
PASSWORD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=16)
READY = "$apr1$JGRteTNh$CaeBWkBKEoHxc7OQthWh71"


def entries(text: object) -> dict[str, str]:
    assert isinstance(text, str)
    assert text == "" or text.endswith("\n")
    return dict(line.split(":", 1) for line in text.split("\n")[:-1])


@settings(max_examples=12)
@given(users=st.dictionaries(NAME, PASSWORD, min_size=1, max_size=3))
def test_hashes_verify_and_are_kept(users: dict[str, str]) -> None:
    wanted = [{"name": name, "password": password} for name, password in users.items()]

    first = htpasswd(wanted, "", rounds=4)

    assert list(entries(first)) == list(users)
    assert all(bcrypt.verify(users[name], hashed) for name, hashed in entries(first).items())
    assert htpasswd(wanted, first, rounds=4) == first


def test_only_the_changed_user_changes() -> None:
    before = htpasswd([{"name": "a", "password": "1"}, {"name": "b", "password": "2"}], "", rounds=4)

    after = htpasswd([{"name": "b", "password": "new"}, {"name": "a", "password": "1"}], before, rounds=4)

    assert list(entries(after)) == ["b", "a"]
    assert entries(after)["a"] == entries(before)["a"]
    assert bcrypt.verify("new", entries(after)["b"])


def test_removed_user_is_gone() -> None:
    before = htpasswd([{"name": "a", "password": "1"}, {"name": "b", "password": "2"}], None, rounds=4)

    assert list(entries(htpasswd([{"name": "a", "password": "1"}], before, rounds=4))) == ["a"]
    assert htpasswd([], before) == ""


@pytest.mark.parametrize(
    "current",
    [
        bcrypt.using(rounds=5).hash("1"),
        sha512_crypt.using(rounds=1000).hash("1"),
        bcrypt.using(rounds=4).hash("1")[:-1],
        "plain",
    ],
    ids=["other cost", "other scheme", "damaged", "plain"],
)
def test_unwanted_hash_is_replaced(current: str) -> None:
    hashed = entries(htpasswd([{"name": "a", "password": "1"}], f"a:{current}\n", rounds=4))["a"]

    assert hashed != current
    assert hashed.startswith("$2b$04$")
    assert bcrypt.verify("1", hashed)


def test_other_schemes() -> None:
    users = [{"name": "a", "password": "ä $"}]
    sha512 = htpasswd(users, "", scheme="sha512_crypt", rounds=1000)
    apr = htpasswd(users, "", scheme="apr_md5_crypt")

    assert sha512_crypt.verify("ä $", entries(sha512)["a"])
    assert htpasswd(users, sha512, scheme="sha512_crypt", rounds=1000) == sha512
    assert apr_md5_crypt.verify("ä $", entries(apr)["a"])
    assert htpasswd(users, apr, scheme="apr_md5_crypt") == apr


def test_default_is_bcrypt_of_cost_12() -> None:
    assert entries(htpasswd([{"name": "a", "password": "1"}]))["a"].startswith("$2b$12$")


def test_ready_hash_is_taken_as_it_is() -> None:
    assert htpasswd([{"name": "a", "hash": READY}], "a:$2b$04$other\n") == f"a:{READY}\n"


@pytest.mark.parametrize(
    ("users", "sentence"),
    [
        ("alice", "a list of dicts"),
        (["alice"], "is a dict with name"),
        ([{"password": "hush"}], "has no name"),
        ([{"name": "", "password": "hush"}], "has no name"),
        ([{"name": 7, "password": "hush"}], "has no name"),
        ([{"name": "a:b", "password": "hush"}], "holds a colon"),
        ([{"name": "a\nb", "password": "hush"}], "control character"),
        ([{"name": "#a", "password": "hush"}], "begins with #"),
        ([{"name": " a", "password": "hush"}], "space at an end"),
        ([{"name": "a", "password": "hush"}, {"name": "a", "password": "hush2"}], "stands twice"),
        ([{"name": "a"}], "neither password nor hash"),
        ([{"name": "a", "password": "hush", "hash": READY}], "both password and hash"),
        ([{"name": "a", "password": ""}], "is empty"),
        ([{"name": "a", "password": 12345}], "is a int, quote it"),
        ([{"name": "a", "password": "hush\n"}], "control character"),
        ([{"name": "a", "password": "hush" + "ä" * 35}], "is 74 bytes long"),
        ([{"name": "a", "hash": "hush"}], "of no known form"),
        ([{"name": "a", "hash": "{PLAIN}hush"}], "of no known form"),
        ([{"name": "a", "hash": READY + "\nroot:" + READY}], "of no known form"),
    ],
)
def test_bad_user_is_refused(users: Any, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence) as failure:
        htpasswd(users, "", rounds=4)
    assert "hush" not in str(failure.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"scheme": "md5"}, "write one of: bcrypt"),
        ({"rounds": 3}, "from 4 to 17"),
        ({"rounds": "12"}, "from 4 to 17"),
        ({"scheme": "sha512_crypt", "rounds": 12}, "from 1000 to"),
        ({"scheme": "apr_md5_crypt", "rounds": 12}, "has no rounds"),
    ],
)
def test_bad_option_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence):
        htpasswd([], "", **options)


def test_72_bytes_are_enough_for_bcrypt_and_no_limit_elsewhere() -> None:
    assert htpasswd([{"name": "a", "password": "ä" * 36}], "", rounds=4)
    assert htpasswd([{"name": "a", "password": "ä" * 40}], "", scheme="apr_md5_crypt")
