# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.status_table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: status_table
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Show the state of a server as a table
description:
  - Takes what M(onprem.mlflow.platform_status) returns, and gives the lines of a table for people.
positional: host
options:
  _input:
    description: The state.
    type: dict
    required: true
  host:
    description: What the server is called.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the state
  ansible.builtin.debug:
    msg: "{{ looked.status | onprem.mlflow.status_table(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.status_report import table


def status_table(status: Mapping[str, Any], host: str) -> list[str]:
    """Give the lines."""
    return table(host, status)


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"status_table": status_table}
