# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.mlflow_allowed_hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mlflow_allowed_hosts
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: List the Host headers that MLflow has to accept
description:
  - Makes the value of C(MLFLOW_SERVER_ALLOWED_HOSTS) of the proxy's virtual hosts.
  - Each name is listed with and without the port, then the names that the platform itself uses (V(mlflow:5000),
    V(localhost:*), V(127.0.0.1:*)).
options:
  _input:
    description:
      - The virtual hosts, each a dict with C(host_names) (a list of names), C(port), and optionally C(tls) and
        C(service).
      - Those of another service than MLflow are left out. Other keys, such as C(users), are ignored.
      - It is an error if a name or a port cannot be one.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the list
  ansible.builtin.debug:
    msg: "{{ nginx_virtual_hosts | onprem.mlflow.mlflow_allowed_hosts | join(',') }}"
  vars:
    nginx_virtual_hosts:
      - host_names: [mlflow.example.org]
        port: 15000
  # => mlflow.example.org,mlflow.example.org:15000,mlflow:5000,localhost:*,127.0.0.1:*
"""

RETURN = r"""
_value:
  description: The Host headers, each once.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import allowed_hosts


def mlflow_allowed_hosts_filter(virtual_hosts: object) -> list[str]:
    """Translate the error of the pure function."""
    try:
        return allowed_hosts(virtual_hosts)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"mlflow_allowed_hosts": mlflow_allowed_hosts_filter}
