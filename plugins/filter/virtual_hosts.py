# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.virtual_hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: virtual_hosts
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Fill in what virtual hosts leave out
description:
  - Returns the virtual hosts as they were written, with a value for each option that can be left out.
  - Adds C(url), the address of the first host name, C(has_address), whether one of the host names is an IP address,
    C(subject_alt_names), how a certificate names the host names, C(file), a name for files that belong to the
    virtual host, and C(acme_file), the name of the files of its certificate where C(tls) is C(acme).
options:
  _input:
    description:
      - The virtual hosts, each a dict with C(host_names) (a list of names) and C(port).
      - It is an error if a name, a port, C(service) or C(tls) cannot be one.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the addresses
  ansible.builtin.debug:
    msg: "{{ nginx_virtual_hosts | onprem.mlflow.virtual_hosts | map(attribute='url') }}"
  vars:
    nginx_virtual_hosts:
      - host_names: [mlflow.example.org]
        port: 443
        tls: self_signed
  # => https://mlflow.example.org
"""

RETURN = r"""
_value:
  description: The virtual hosts.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import complete


def virtual_hosts_filter(virtual_hosts: Any) -> list[dict[str, Any]]:
    """Translate the error of the pure function."""
    try:
        return complete(virtual_hosts)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"virtual_hosts": virtual_hosts_filter}
