# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.changed_tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: changed_tasks
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: List the tasks that a run has changed something with, or would
description:
  - Reads what the callback C(ansible.posix.json) prints.
options:
  _input:
    description: What was printed.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what a run would change
  ansible.builtin.debug:
    msg: "{{ checked.stdout | onprem.mlflow.changed_tasks }}"
  # => {"server": ["onprem.mlflow.nginx : files | Write the files"]}
"""

RETURN = r"""
_value:
  description: Names of the tasks by host, in their order. A host without any is left out.
  type: dict
"""

import json
from collections.abc import Callable

from ansible.errors import AnsibleFilterError


def changed_tasks(printed: str) -> dict[str, list[str]]:
    """List the tasks by host."""
    try:
        # Warnings may stand before it.
        report = json.loads(printed[printed.index("{") :])
    except ValueError:
        raise AnsibleFilterError("changed_tasks: this is not what the callback ansible.posix.json prints.") from None
    found: dict[str, list[str]] = {}
    for play in report["plays"]:
        for task in play["tasks"]:
            for host, outcome in task["hosts"].items():
                if outcome.get("changed"):
                    found.setdefault(host, []).append(task["task"]["name"])
    return found


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"changed_tasks": changed_tasks}
