# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Action of onprem.mlflow.run_lock: knows which run this is, and which others are still at work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.onprem.mlflow.plugins.module_utils.controller_run import (
    controller_id,
    is_at_work,
    refusal,
    this_run,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.run_lock import Run

MODULE = "onprem.mlflow.run_lock"
SECONDS_BETWEEN = 5

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Ask the server who is at work, until that is this run or the time is up."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module says, or the sentence about the other run."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        args = dict(self._task.args)
        try:
            seconds = seconds_of(args.get("wait", 0))
        except ValueError as exc:
            return {**result, "failed": True, "msg": str(exc)}
        server = str(variables.get("inventory_hostname", ""))
        args["run"] = this_run(playbooks()).as_dict()
        end = time.monotonic() + seconds

        answer = self._ask(args, variables)
        while answer.get("held_by"):
            holder = Run.of(answer["held_by"])
            own_controller = holder.controller == controller_id()
            if not is_at_work(holder) if own_controller else holder.id == args.get("ended_run"):
                answer = self._ask(args, variables, holder.id)
                continue
            sentence = refusal(holder, server, own_controller=own_controller)
            left = end - time.monotonic()
            if left <= 0:
                return {**result, "failed": True, "msg": sentence}
            display.display(f"[{server}] {sentence}")
            time.sleep(min(SECONDS_BETWEEN, left))
            answer = self._ask(args, variables)
        return {**result, **answer}

    def _ask(self, args: dict[str, Any], variables: dict[str, Any], ended_run: str = "") -> dict[str, Any]:
        answer: dict[str, Any] = self._execute_module(
            module_name=MODULE, module_args={**args, "ended_run": ended_run}, task_vars=variables
        )
        return answer


def playbooks() -> str:
    """Name what this run was told to play."""
    return " ".join(Path(name).name for name in context.CLIARGS.get("args") or ()) or "ansible"


def seconds_of(value: object) -> int:
    """Read how long to wait; ValueError says what to write."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"mlflow_platform_wait_for_run: found {text!r}, write a number of seconds such as 600, or 0.")
    return int(text)
