# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module, as its action calls it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.run_lock import Run
from ansible_collections.onprem.mlflow.plugins.modules import run_lock

RunModule = Callable[..., dict[str, Any]]

ANNA = Run("a1", "c1", "laptop", 4711, "100 boot", "site.yml", "anna").as_dict()
BERT = Run("b1", "c2", "tower", 4712, "200 boot", "backup.yml", "bert").as_dict()


def test_a_server_is_taken_and_released(run_module: RunModule, tmp_path: Path) -> None:
    lock = tmp_path / "run"

    def ask(run: dict[str, Any], *, check: bool = False, **options: Any) -> dict[str, Any]:
        return run_module(run_lock.main, {"path": str(lock), "run": run, **options}, check=check)

    looked = ask(ANNA, check=True)
    assert (looked["changed"], looked["held_by"]) == (False, None)
    assert not lock.exists()
    ask(ANNA)
    assert ask(BERT)["held_by"]["id"] == "a1"
    ask(BERT, state="released")
    ask(ANNA, state="released", check=True)
    assert lock.exists()
    assert ask(BERT, ended_run="a1")["held_by"] is None
    ask(BERT, state="released")
    assert not lock.exists()


def test_what_cannot_be_used_is_told(run_module: RunModule, tmp_path: Path) -> None:
    lock = tmp_path / "run"
    lock.write_text("by hand")
    told = run_module(run_lock.main, {"path": str(lock), "run": ANNA})["msg"]
    assert told == f"{lock}: is not what a run writes, remove it if no run is at work on this server."


def test_another_user_is_told_what_is_missing(
    run_module: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.rename", refuse)
    told = run_module(run_lock.main, {"path": str(tmp_path / "run"), "run": ANNA})["msg"]
    assert told == f"{tmp_path}/run: this user may not write it, log in as root or set ansible_become: true."
    assert list(tmp_path.iterdir()) == []
