# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.compose_escape."""

from __future__ import annotations

DOCUMENTATION = r"""
name: compose_escape
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Keep compose from interpolating dollar signs
description:
  - Doubles each C($) in a string, or in all strings of a list or a dict, as the compose file format wants it.
  - Keys of dicts, numbers, booleans and nulls stay as they are.
options:
  _input:
    description: What shall stand in the compose file.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Hand a value to a container as it is
  ansible.builtin.debug:
    msg: "{{ {'GREETING': 'costs $5'} | onprem.mlflow.compose_escape }}"
  # => {'GREETING': 'costs $$5'}
"""

RETURN = r"""
_value:
  description: The same structure with doubled dollar signs.
  type: raw
"""

from collections.abc import Callable

from ansible_collections.onprem.mlflow.plugins.module_utils.compose import compose_escape


def compose_escape_filter(value: object) -> object:
    """Hand the value to the pure function."""
    return compose_escape(value)


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"compose_escape": compose_escape_filter}
