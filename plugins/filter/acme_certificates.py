# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.acme_certificates."""

from __future__ import annotations

DOCUMENTATION = r"""
name: acme_certificates
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: List the certificates that virtual hosts get from an ACME server
description:
  - Virtual hosts whose first host name is the same share a certificate, which names all their host names.
  - Each certificate has C(name), of its files, C(domains), and C(challenge).
options:
  _input:
    description: The virtual hosts. Those whose C(tls) is not C(acme) are passed over.
    type: list
    elements: dict
    required: true
  challenge:
    description: Challenge of virtual hosts that name none with C(acme_challenge).
    type: str
    default: http-01
"""

EXAMPLES = r"""
- name: Show the certificates
  ansible.builtin.debug:
    msg: "{{ nginx_virtual_hosts | onprem.mlflow.acme_certificates }}"
  vars:
    nginx_virtual_hosts:
      - host_names: [mlflow.example.org]
        port: 443
        tls: acme
        redirect_from: 80
  # => [{"name": "mlflow.example.org", "domains": ["mlflow.example.org"], "challenge": "http-01"}]
"""

RETURN = r"""
_value:
  description: The certificates.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.acme import CHALLENGES, acme_certificates
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def acme_certificates_filter(virtual_hosts: Any, challenge: str = CHALLENGES[0]) -> list[dict[str, Any]]:
    """Translate the error of the pure function."""
    try:
        found = acme_certificates(virtual_hosts, challenge)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None
    return [{"name": item.name, "domains": list(item.domains), "challenge": item.challenge} for item in found]


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"acme_certificates": acme_certificates_filter}
