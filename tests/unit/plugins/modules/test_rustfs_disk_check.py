# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The look at folders of this very machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.modules import rustfs_disk_check

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], tmp_path: Path) -> Run:
    def call(*disks: Path, **args: Any) -> dict[str, Any]:
        options = {"disks": [str(disk) for disk in disks], "project_dir": str(tmp_path / "project"), **args}
        return run_module(rustfs_disk_check.main, options, check=True)

    return call


def test_nothing_to_look_at(run: Run) -> None:
    done = run()
    assert (done["changed"], done["problems"]) == (False, [])


def test_two_folders_of_one_disk(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path / "a", tmp_path / "b")["failed"]
    assert run(tmp_path / "a", tmp_path / "b", allow_shared=True)["problems"] == []


def test_every_problem_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("", encoding="utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "photo").touch()

    problems = run(tmp_path / "a", tmp_path / "b", allow_shared=True)["problems"]
    assert [problem.split()[1] for problem in problems] == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_objects_would_be_left_behind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "project/data/rustfs/.rustfs.sys").mkdir(parents=True)

    assert run()["problems"] == []
    assert "remove it" in run(tmp_path / "a", allow_shared=True)["msg"]


def test_folders_of_rustfs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a/.rustfs.sys").mkdir(parents=True)

    assert run(tmp_path / "a", allow_shared=True, owner=os.getuid())["problems"] == []
    assert "chown -R 10001:10001" in run(tmp_path / "a", allow_shared=True)["msg"]


def test_a_server_more_than_the_objects_are_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "project/data/rustfs/.rustfs.sys").mkdir(parents=True)

    assert "mlflow_object_store: found 3 servers" in run(servers=["a", "b", "c"])["msg"]
