# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders and files of a service, on the real file system."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.modules import project_files

AWKWARD = "$ \"'\\#%@:/?ä\r\n\n"
ME = {"owner": str(os.getuid()), "group": str(os.getgid())}
FOLDER = {**ME, "path": "config/nginx"}
FILE = {**ME, "path": "config/nginx/nginx.conf", "content": AWKWARD}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "mlflow"


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], base: Path) -> Run:
    def call(folders: list[dict[str, Any]], files: list[dict[str, Any]], **options: bool) -> dict[str, Any]:
        return run_module(project_files.main, {"base": str(base), "folders": folders, "files": files}, **options)

    return call


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_made_once(run: Run, base: Path) -> None:
    inner = {**ME, "path": "config/nginx/htpasswd", "mode": "0700"}
    result = run([inner, FOLDER], [{**FILE, "mode": "0600"}])

    assert result["changed_paths"] == ["config/nginx", "config/nginx/htpasswd", "config/nginx/nginx.conf"]
    assert (base / FILE["path"]).read_bytes() == AWKWARD.encode()
    assert [mode(base / path) for path in result["changed_paths"]] == [0o755, 0o700, 0o600]
    again = run([inner, FOLDER], [{**FILE, "mode": "0600"}])
    assert (again["changed"], again["changed_paths"]) == (False, [])


def test_check_mode_predicts_and_changes_nothing(run: Run, base: Path) -> None:
    predicted = run([FOLDER], [FILE], check=True, diff=True)

    assert not base.exists()
    done = run([FOLDER], [FILE], diff=True)
    assert predicted == done
    assert done["diff"][1]["before"] == "absent\n"
    assert done["diff"][1]["after"].endswith(AWKWARD)


def test_what_differs_is_put_right(run: Run, base: Path) -> None:
    run([FOLDER], [FILE])
    path = base / FILE["path"]
    path.chmod(0o600)
    assert run([FOLDER], [FILE])["changed_paths"] == [FILE["path"]]
    assert mode(path) == 0o644
    inode = path.stat().st_ino

    result = run([FOLDER], [{**FILE, "content": "new"}], diff=True)

    assert path.read_text() == "new"
    assert path.stat().st_ino != inode, "written in place, where a killed run leaves half of it"
    assert AWKWARD in result["diff"][0]["before"]


def test_exclusive_folder_loses_strangers_only(run: Run, base: Path) -> None:
    run([FOLDER], [FILE])
    (base / "config/nginx/old").write_text("old")
    (base / "config/nginx/kept").mkdir()
    exclusive = [{**FOLDER, "exclusive": True}]

    assert run(exclusive, [FILE], check=True)["changed_paths"] == ["config/nginx/old"]
    assert (base / "config/nginx/old").exists()
    run(exclusive, [FILE])
    assert sorted(path.name for path in (base / "config/nginx").iterdir()) == ["kept", "nginx.conf"]
    assert not run(exclusive, [FILE])["changed"]


def test_leftover_of_a_killed_run_goes_with_the_next_writing(run: Run, base: Path) -> None:
    run([FOLDER], [FILE])
    leftover = base / "config/nginx/.nginx.conf.0123456789abcdef.tmp"
    leftover.write_text("half")

    run([FOLDER], [{**FILE, "content": "new"}])

    assert not leftover.exists()


def test_folder_may_be_a_link_to_another_disk(run: Run, base: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    base.mkdir()
    (base / "data").symlink_to(tmp_path / "disk")

    run([{**ME, "path": "data", "mode": "0700"}], [])

    assert (base / "data").is_symlink()
    assert mode(tmp_path / "disk") == 0o700


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "/etc/passwd"}, "'/etc/passwd' does not name anything below the base folder"),
        ({"path": "config/../../x"}, "without '..'"),
        ({"path": "."}, "does not name anything below"),
        ({"mode": "644"}, 'write a quoted octal number such as "0644"'),
        ({"owner": "nobody-of-here"}, "write a user of this server or a uid"),
        ({"group": "nobody-of-here"}, "write a group of this server or a gid"),
        ({"path": FOLDER["path"]}, "is listed twice"),
    ],
)
def test_bad_input_is_refused_before_anything_is_made(
    run: Run, base: Path, change: dict[str, Any], message: str
) -> None:
    result = run([FOLDER], [{**FILE, **change}])

    assert result["failed"]
    assert message in result["msg"]
    assert not base.exists()


def test_what_is_of_another_kind_is_refused_before_anything_is_made(run: Run, base: Path, tmp_path: Path) -> None:
    (base / "config").mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("precious")
    for target, message in (("nginx", "is not a folder"), ("nginx.conf", "is not a regular file")):
        (base / "config" / target).symlink_to(tmp_path / "elsewhere")
        files = [{**FILE, "path": "config/first"}, {**FILE, "path": "config/nginx.conf"}]
        result = run([FOLDER] if target == "nginx" else [], files)
        assert message in result["msg"]
        (base / "config" / target).unlink()
        assert not (base / "config/first").exists()
    (base / "config/nginx").symlink_to(tmp_path / "nothing")
    assert "is a link to nothing" in run([FOLDER], [])["msg"]


def test_empty_folder_that_the_engine_made_gives_way(run: Run, base: Path) -> None:
    path = base / FILE["path"]
    path.mkdir(parents=True)
    assert run([FOLDER], [FILE], check=True)["changed_paths"][-1:] == [FILE["path"]]
    assert path.is_dir()
    run([FOLDER], [FILE])
    assert path.read_bytes() == AWKWARD.encode()


def test_folder_that_holds_something_is_left_alone(run: Run, base: Path) -> None:
    (base / FILE["path"]).mkdir(parents=True)
    (base / FILE["path"] / "kept").touch()
    assert "is not a regular file" in run([FOLDER], [FILE])["msg"]
    assert (base / FILE["path"] / "kept").exists()


def test_full_disk_leaves_the_old_file(run: Run, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run([FOLDER], [FILE])

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    result = run([FOLDER], [{**FILE, "content": "new"}])

    assert "No space left on device" in result["msg"]
    assert (base / FILE["path"]).read_bytes() == AWKWARD.encode()
    assert [path.name for path in (base / "config/nginx").iterdir()] == ["nginx.conf"]
