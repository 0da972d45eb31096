# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action, with steps of the module that are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.onprem.mlflow.plugins.action import mc_mirror

ARGS = {"bucket": "mlflow", "objects_total": "4", "source": {"secret_key": "hush"}}


def step(objects: int, running: bool = True, **changes: Any) -> dict[str, Any]:
    copied = {
        "bucket": "mlflow",
        "target_bucket": "mlflow",
        "prefix": "",
        "running": running,
        "started_at": "2026-11-21T10:00:00Z",
        "run_started_at": "2026-11-21T10:00:00Z",
        "objects": objects,
        "bytes": 10 * objects,
        "objects_total": 4,
        "bytes_total": 40,
        "failed": [],
        "failed_count": 0,
        "errors": [],
        "samples": [],
    }
    return {"changed": bool(objects), "started": False, "copied": copied, "msg": "", **changes}


class Run:
    """An action whose module gives the steps in turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: dict[str, Any]) -> None:
        self.steps = list(steps)
        self.asked: list[dict[str, Any]] = []
        self.shown: list[str] = []
        monkeypatch.setattr(mc_mirror.display, "display", lambda text, **_unused: self.shown.append(text))
        loader = DataLoader()
        self.action = mc_mirror.ActionModule(
            task=SimpleNamespace(args=ARGS, action="onprem.mlflow.mc_mirror", async_val=0, check_mode=False),
            connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir="")),
            play_context=None,
            loader=loader,
            templar=Templar(loader=loader, variables={}),
            shared_loader_obj=None,
        )
        monkeypatch.setattr(self.action, "_execute_module", self.execute)
        self.result = self.action.run(task_vars={"inventory_hostname": "lab"})

    def execute(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        assert module_name == "onprem.mlflow.mc_mirror"
        self.asked.append(module_args)
        return self.steps.pop(0)


def test_copy_is_started_once_and_followed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, step(0, started=True), step(2), step(4, running=False, warnings=["slow"], changed=False))

    assert [asked.get("follow_only", False) for asked in run.asked] == [False, True, True]
    assert [line.partition(" objects")[0] for line in run.shown] == [
        "[lab] mlflow: 0%, 0 of 4",
        "[lab] mlflow: 50%, 2 of 4",
    ]
    assert run.result["copied"]["objects"] == 4
    assert (run.result["started"], run.result["changed"]) == (True, True)
    assert run.result["warnings"] == ["slow"]
    assert not any("hush" in line for line in run.shown)
    assert ARGS == {"bucket": "mlflow", "objects_total": "4", "source": {"secret_key": "hush"}}


def test_copy_found_at_work_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, step(2), step(4, running=False))

    assert run.shown[0] == "[lab] found at work, since 2026-11-21T10:00:00Z"
    assert run.result["started"] is False


def test_quick_copy_needs_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, step(4, running=False, started=True))

    assert run.shown == []
    assert len(run.asked) == 1


def test_failure_ends_the_following(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, step(1, started=True), step(2, failed=True, msg="no"))

    assert run.result["failed"]
    assert run.result["msg"] == "no"


def test_check_mode_has_nothing_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, {"changed": True, "msg": "Would copy mlflow, 40 bytes.", "bytes_to_copy": 40})

    assert run.result["msg"] == "Would copy mlflow, 40 bytes."
    assert run.shown == []
