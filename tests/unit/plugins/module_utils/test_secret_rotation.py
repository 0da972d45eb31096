"""The journal: what is decided, kept, gone on with, and refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_files import SecretDirectory, Stored
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_rotation import (
    JOURNAL,
    Journal,
    Wanted,
    begin,
    must_fit,
    switch,
    write,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import Access


def wanted(name: str = "mysql_password", **more: Any) -> Wanted:
    return Wanted.parse({"name": name, "kind": "database", **more})


def stored(text: str) -> Stored:
    return Stored(text.encode(), Access(0, 0, 0o600))


def begun(secret: Wanted, present: str = "old\n") -> Journal:
    return begin("/secrets", ["database"], [secret], lambda name: stored(present))


def test_a_new_secret_is_generated() -> None:
    change = begun(wanted(length=40)).changes["mysql_password"]
    assert (change.kind, change.old, len(change.new)) == ("database", "old", 40)


def test_a_given_one_is_taken() -> None:
    assert begun(wanted(value="new")).changes["mysql_password"].new == "new"


def test_the_same_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"^variable: is what /secrets/mysql_password has already, write another"):
        begun(wanted(value="old", variable="variable"))


def test_a_name_may_stay() -> None:
    assert begun(wanted(value="old", may_stay=True)).changes == {}


def test_a_secret_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"run site\.yml first"):
        begin("/secrets", ["database"], [wanted()], lambda name: None)


def test_an_interrupted_run_is_gone_on_with_by_its_own_value() -> None:
    journal = begun(wanted(value="new"))
    must_fit(journal, [wanted(value="new"), wanted(), wanted("another", value="x")])
    with pytest.raises(InputError, match="found another value than the run had that was interrupted"):
        must_fit(journal, [wanted(value="third")])


def test_it_comes_back_from_its_file() -> None:
    journal = begun(wanted(value="new ä '"))
    assert Journal.read(stored(journal.text().decode()), JOURNAL) == journal


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kinds": [], "changes": {"a": {"old": "b"}}}'])
def test_a_damaged_one_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is damaged, remove it"):
        Journal.read(stored(text), JOURNAL)


def test_files_are_switched_once_and_keep_their_modes(tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    for name in ("mysql_password", "backup/password"):
        (tmp_path / name).write_text("old")
        (tmp_path / name).chmod(0o640)
    with SecretDirectory.open(str(tmp_path), write=True) as directory:
        secrets = [wanted(value="new"), wanted("backup/password", value="newer")]
        journal = begin(str(tmp_path), ["database"], secrets, directory.read)
        write(directory, journal, os.getuid(), os.getgid())
        assert switch(directory, journal) == ["mysql_password", "backup/password"]
        assert switch(directory, journal) == []
    assert (tmp_path / JOURNAL).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "backup/password").read_text() == "newer"
    assert (tmp_path / "mysql_password").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "mysql_password", JOURNAL]
