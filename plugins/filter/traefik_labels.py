# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.traefik_labels."""

from __future__ import annotations

DOCUMENTATION = r"""
name: traefik_labels
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Make the labels by which Traefik finds the platform's proxy
description:
  - Returns a router for each virtual host, with TLS where its C(tls) is not V(off), and one service for all of them.
options:
  _input:
    description: The virtual hosts, each a dict with C(host_names), C(port) and perhaps C(tls).
    type: list
    elements: dict
    required: true
  project:
    description: Name of the routers and of the service.
    type: str
    required: true
  network:
    description: Name of the Docker network that Traefik is on.
    type: str
    required: true
  port:
    description: Port of the container that Traefik connects to.
    type: int
    required: true
  entry_points:
    description: Names of Traefik's entry points. Those that are its default where the list is empty.
    type: list
    elements: str
    default: []
  cert_resolver:
    description: Name of Traefik's resolver of certificates. None where it is empty.
    type: str
    default: ''
  more:
    description: More labels, which win over the others.
    type: dict
    default: {}
positional: project, network, port, entry_points, cert_resolver, more
"""

EXAMPLES = r"""
- name: Show the labels
  ansible.builtin.debug:
    msg: "{{ nginx_virtual_hosts | onprem.mlflow.traefik_labels('mlflow', 'traefik', 15081) }}"
  vars:
    nginx_virtual_hosts:
      - host_names: [mlflow.example.org]
        port: 443
        tls: outside
"""

RETURN = r"""
_value:
  description: The labels.
  type: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.traefik import traefik_labels


def traefik_labels_filter(
    virtual_hosts: object,
    project: str,
    network: str,
    port: int,
    entry_points: Sequence[str] = (),
    cert_resolver: str = "",
    more: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Translate the error of the pure function."""
    try:
        return traefik_labels(virtual_hosts, project, network, port, entry_points, cert_resolver, more)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"traefik_labels": traefik_labels_filter}
