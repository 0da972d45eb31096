# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets as files, on the real file system."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_files import (
    SecretDirectory,
    describe,
    digest,
    generate,
    parse_secrets,
    plan,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.server_files import Access
from ansible_collections.onprem.mlflow.plugins.modules import secret_files
from hypothesis import given
from hypothesis import strategies as st

AWKWARD = "$ \"'\\#%@:/?ä"
ME = {"owner": str(os.getuid()), "group": str(os.getgid())}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], tmp_path: Path) -> Run:
    def call(*secrets: dict[str, Any], directory: Path = tmp_path, **options: bool) -> dict[str, Any]:
        args = {"directory": str(directory), "secrets": [{**ME, **secret} for secret in secrets]}
        return run_module(secret_files.main, args, **options)

    return call


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def test_given_and_generated_secrets_are_written(run: Run, tmp_path: Path) -> None:
    result = run({"name": "given", "value": AWKWARD}, {"name": "made", "length": 40, "mode": "0440"})

    assert (tmp_path / "given").read_bytes() == AWKWARD.encode()
    made = (tmp_path / "made").read_text()
    assert len(made) == 40
    assert made.isalnum()
    assert (mode(tmp_path / "given"), mode(tmp_path / "made")) == (0o600, 0o440)
    assert result["changed"]
    assert result["created"] == ["given", "made"]
    assert result["values"] == {"given": AWKWARD, "made": made}
    assert mode(tmp_path / ".digest_key") == 0o600
    assert names(tmp_path) == {"given", "made", ".digest_key"}


def test_second_run_finds_all_again(run: Run) -> None:
    first = run({"name": "given", "value": AWKWARD}, {"name": "made"})
    second = run({"name": "given", "value": AWKWARD}, {"name": "made"})

    assert not second["changed"]
    assert (second["created"], second["updated"], second["corrected"]) == ([], [], [])
    assert (second["values"], second["digests"]) == (first["values"], first["digests"])


def test_secret_that_data_were_made_with_is_not_generated_anew(run: Run, tmp_path: Path) -> None:
    secrets, data = tmp_path / "secrets", tmp_path / "data"
    secrets.mkdir()
    wanted = {"name": "password", "data": str(data), "variable": "db_password"}
    assert run(wanted, directory=secrets)["created"] == ["password"], "no data yet"
    data.mkdir()
    (secrets / "password").unlink()
    assert run(wanted, directory=secrets)["created"] == ["password"], "a folder that a killed run has left"
    (data / "table").touch()
    (secrets / "password").rename(secrets / "away")
    for check in (True, False):
        refused = run(wanted, directory=secrets, check=check)
        assert refused["msg"] == (
            f"{secrets}/password is missing, and the data in {data} were made with it: put the file back, such as from"
            " a backup, or write its value into db_password."
        )
    assert names(secrets) == {"away", ".digest_key"}
    assert run({**wanted, "value": "known"}, directory=secrets)["created"] == ["password"]
    assert not run(wanted, directory=secrets)["changed"]


def test_new_value_replaces_the_file(run: Run, tmp_path: Path) -> None:
    first = run({"name": "a", "value": "one"}, {"name": "b"})
    second = run({"name": "a", "value": "two"}, {"name": "b"})

    assert second["updated"] == ["a"]
    assert (tmp_path / "a").read_text() == "two"
    assert second["digests"]["a"] != first["digests"]["a"]
    assert second["digests"]["b"] == first["digests"]["b"]


def test_line_break_of_an_editor_is_no_part_of_the_secret(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("typed by hand\n")
    (tmp_path / "a").chmod(0o600)

    result = run({"name": "a"})

    assert result["values"]["a"] == "typed by hand"
    assert result["updated"] == ["a"]
    assert (tmp_path / "a").read_text() == "typed by hand"


def test_mode_and_owner_are_corrected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("kept")
    (tmp_path / "a").chmod(0o644)

    result = run({"name": "a"})

    assert result["changed"]
    assert (result["corrected"], result["updated"]) == (["a"], [])
    assert mode(tmp_path / "a") == 0o600
    assert not run({"name": "a"})["changed"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_owner_is_set(run: Run, tmp_path: Path) -> None:
    run({"name": "a", "owner": "999", "group": "998", "mode": "0400"})

    status = (tmp_path / "a").stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (999, 998, 0o400)


def test_fixed_secret_cannot_change(run: Run, tmp_path: Path) -> None:
    run({"name": "root", "value": "first-value"})

    result = run(
        {"name": "other", "value": "third-value"},
        {"name": "root", "value": "second-value", "fixed": True, "variable": "mysql_root_password"},
    )

    assert result["failed"]
    assert result["msg"].startswith(f"mysql_root_password: differs from {tmp_path}/root")
    assert "-value" not in json.dumps(result)
    assert not (tmp_path / "other").exists()
    assert (tmp_path / "root").read_text() == "first-value"
    assert not run({"name": "root", "value": "first-value", "fixed": True})["changed"]


def test_check_mode_writes_nothing_and_predicts(run: Run, tmp_path: Path) -> None:
    run({"name": "kept"})
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}

    result = run({"name": "kept"}, {"name": "given", "value": "x"}, {"name": "made"}, check=True)

    assert result["changed"]
    assert result["created"] == ["given", "made"]
    assert result["values"]["given"] == "x"
    assert len(result["values"]["made"]) == 32
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_check_mode_needs_no_directory(run: Run, tmp_path: Path) -> None:
    assert run({"name": "a"}, directory=tmp_path / "missing", check=True)["created"] == ["a"]
    assert not (tmp_path / "missing").exists()


def test_missing_directory_is_an_error(run: Run, tmp_path: Path) -> None:
    assert "does not exist, make it first" in run({"name": "a"}, directory=tmp_path / "missing")["msg"]


@pytest.mark.parametrize("check", [True, False])
def test_lost_digest_key_is_a_change(run: Run, tmp_path: Path, check: bool) -> None:
    run({"name": "a"})
    (tmp_path / ".digest_key").unlink()

    result = run({"name": "a"}, check=check)

    assert result["changed"]
    assert (tmp_path / ".digest_key").exists() is not check


@pytest.mark.parametrize("check", [True, False])
def test_diff_and_invocation_hold_no_secret(run: Run, check: bool) -> None:
    run({"name": "a", "value": "old-secret"})

    result = run({"name": "a", "value": "new-secret"}, {"name": "b", "value": "one-more"}, check=check, diff=True)

    assert result["diff"] == {
        "before": f"a: 0600 {ME['owner']}:{ME['group']}\nb: absent\n",
        "after": (f"a: new value, 0600 {ME['owner']}:{ME['group']}\nb: new value, 0600 {ME['owner']}:{ME['group']}\n"),
    }
    del result["values"]
    assert not any(secret in json.dumps(result) for secret in ("old-secret", "new-secret", "one-more"))


def test_leftover_of_a_killed_run_is_removed(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".a.0123456789abcdef.tmp").write_text("half")

    run({"name": "a"})

    assert names(tmp_path) == {"a", ".digest_key"}


def test_file_is_private_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    rename = os.rename

    def spy(source: str, target: str, **options: Any) -> None:
        seen.append(mode(tmp_path / source))
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", spy)
    umask = os.umask(0)
    try:
        with SecretDirectory.open(str(tmp_path), write=True) as directory:
            directory.write("a", b"x", Access(os.getuid(), os.getgid(), 0o640))
    finally:
        os.umask(umask)

    assert seen == [0o640]


def test_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(OSError, match="No space left"),
        SecretDirectory.open(str(tmp_path), write=True) as directory,
    ):
        directory.write("a", b"new", Access(os.getuid(), os.getgid(), 0o600))

    assert names(tmp_path) == {"a"}
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        ({"value": "", "variable": "mysql_password"}, "mysql_password: is empty"),
        ({"value": "hush\0"}, "holds a NUL character"),
        ({"value": "hush\n"}, "ends with a line break"),
        ({"mode": "384"}, 'write a quoted octal number such as "0640"'),
        ({"mode": "0644"}, "lets everybody in"),
        ({"owner": "nobody-of-that-name"}, "write a user of this server"),
        ({"group": "nobody-of-that-name"}, "write a group of this server"),
        ({"length": 8}, "from 16 to 256"),
        ({"length": 257}, "from 16 to 256"),
    ],
)
def test_bad_secret_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, secret: dict[str, Any], sentence: str
) -> None:
    result = run({"name": "good", "value": "x"}, {"name": "bad", **secret})

    assert sentence in result["msg"]
    assert "hush" not in json.dumps(result["msg"])
    assert names(tmp_path) == set()


def test_refusal_of_the_system_is_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)

    assert "cannot be kept: Operation not permitted" in run({"name": "a"})["msg"]


def test_name_twice_is_refused(run: Run) -> None:
    assert "listed twice" in run({"name": "a"}, {"name": "a"})["msg"]


@pytest.mark.parametrize("spoil", ["link", "directory", "empty", "binary", "key"])
def test_spoilt_file_is_named(run: Run, tmp_path: Path, spoil: str) -> None:
    target = tmp_path / "a"
    if spoil == "link":
        target.symlink_to("/etc/hostname")
    elif spoil == "directory":
        target.mkdir()
    elif spoil == "empty":
        target.touch()
    elif spoil == "binary":
        target.write_bytes(b"\xff\xfe")
    else:
        target = tmp_path / ".digest_key"
        target.write_bytes(b"short")

    result = run({"name": "a"})

    assert str(target) in result["msg"]
    assert result["failed"]


@given(st.text(max_size=12))
def test_names_stay_in_the_directory(name: str) -> None:
    try:
        parse_secrets([{"name": name, "length": 32}])
    except InputError:
        return
    assert "/" not in name
    assert name[0] not in ".-_"
    assert name.isascii()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.binary(min_size=32, max_size=32))
def test_digests_tell_values_apart(value: str, key: bytes) -> None:
    assert digest(value, key) == digest(value, key)
    assert digest(value, key) != digest(value + "x", key)
    assert digest(value, key) != digest(value, bytes(32) if any(key) else b"\1" * 32)


def test_generated_secrets_differ() -> None:
    assert len({generate(32) for _ in range(50)}) == 50


def test_plan_of_nothing_describes_nothing() -> None:
    assert describe(plan("/x", [], {})) == {"before": "", "after": ""}
