# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.acme_refusals."""

from __future__ import annotations

DOCUMENTATION = r"""
name: acme_refusals
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Say why an ACME server gave no certificate
description:
  - Reads the log of the last run of the role C(acme)'s service, and returns one line for each
    certificate that was refused.
options:
  _input:
    description: The log, as C(journalctl --output=cat) prints it.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say why
  ansible.builtin.debug:
    msg: "{{ journal.stdout | onprem.mlflow.acme_refusals }}"
"""

RETURN = r"""
_value:
  description: The reasons.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible_collections.onprem.mlflow.plugins.module_utils.acme import refusals


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"acme_refusals": refusals}
