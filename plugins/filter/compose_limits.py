# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.compose_limits."""

from __future__ import annotations

DOCUMENTATION = r"""
name: compose_limits
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Turn limits of a service into keys of a compose file
description:
  - Makes C(mem_limit), C(cpus) and C(logging) of a role's options.
  - A limit that is empty or 0 is left out, so that the engine's own holds.
options:
  _input:
    description:
      - A dict with C(memory) (such as V(2g)), C(cpus) (a number of processors), C(log_max_size) (such as V(10m)) and
        C(log_max_files) (a number).
      - It is an error if it holds another key.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Limit a service
  ansible.builtin.debug:
    msg: "{{ {'memory': '2g', 'cpus': 1.5, 'log_max_size': '10m', 'log_max_files': 3} | onprem.mlflow.compose_limits }}"
  # => {'mem_limit': '2g', 'cpus': 1.5,
  #     'logging': {'driver': 'json-file', 'options': {'max-size': '10m', 'max-file': '3'}}}
"""

RETURN = r"""
_value:
  description: The keys of the service, in the words of compose.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.compose import service_limits
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def compose_limits_filter(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the error of the pure function."""
    try:
        return service_limits(limits)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"compose_limits": compose_limits_filter}
