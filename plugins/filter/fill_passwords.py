# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.fill_passwords."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fill_passwords
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Give generated passwords to users that have none
description:
  - Returns the users, each that has neither C(password) nor C(hash) with the password that stands under its name.
options:
  _input:
    description: The users, each a dict with C(name) and perhaps C(password) or C(hash).
    type: list
    elements: dict
    required: true
  passwords:
    description: Passwords by the name of the user. It is an error if one is missing that is needed.
    type: dict
    required: true
positional: passwords
"""

EXAMPLES = r"""
- name: Write the users of the proxy
  ansible.builtin.copy:
    content: "{{ users | onprem.mlflow.fill_passwords({'admin': generated}) | onprem.mlflow.htpasswd(present) }}"
    dest: /opt/mlflow/config/nginx/htpasswd
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_value:
  description: The users, each with C(password) or C(hash).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.accounts import fill_passwords
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def fill_passwords_filter(users: Sequence[Mapping[str, Any]], passwords: Mapping[str, str]) -> list[dict[str, Any]]:
    """Translate the error of the pure function."""
    try:
        return fill_passwords(users, passwords)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"fill_passwords": fill_passwords_filter}
