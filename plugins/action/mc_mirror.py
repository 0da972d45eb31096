# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action of onprem.mlflow.mc_mirror: asks the module again and again how far it is, and shows that."""

from __future__ import annotations

import copy
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import progress_line

MODULE = "onprem.mlflow.mc_mirror"

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Follow the copy until it has ended. Nothing is lost where this dies: the next task finds the container."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module says when the copy has ended."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        args = dict(self._task.args)
        totals_known = any(_number(args.get(name)) for name in ("objects_total", "bytes_total"))
        host = variables.get("inventory_hostname", "")

        step = self._step(args, variables)
        started, changed = bool(step.get("started")), bool(step.get("changed"))
        warnings = list(step.get("warnings") or [])
        if self._goes_on(step) and not started:
            display.display(f"[{host}] found at work, since {step['copied']['started_at']}")
        while self._goes_on(step):
            display.display(f"[{host}] {progress_line(step['copied'], totals_known)}")
            step = self._step({**args, "follow_only": True}, variables)
            changed = changed or bool(step.get("changed"))
            warnings += [text for text in step.get("warnings") or [] if text not in warnings]
        result.update(step)
        if "started" in step:
            result["started"] = started
        if "changed" in step:
            result["changed"] = changed
        if warnings:
            result["warnings"] = warnings
        return result

    def _step(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        step: dict[str, Any] = self._execute_module(
            module_name=MODULE, module_args=copy.deepcopy(args), task_vars=variables
        )
        return step

    @staticmethod
    def _goes_on(step: dict[str, Any]) -> bool:
        return not step.get("failed") and bool(step.get("copied", {}).get("running"))


def _number(value: object) -> int:
    text = str(value or 0)
    return int(text) if text.isdigit() else 0
