# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.database_uri."""

from __future__ import annotations

DOCUMENTATION = r"""
name: database_uri
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Make a database URI of its parts
description:
  - Joins the parts of a database address to a URI as SQLAlchemy reads it.
  - User and password are percent-encoded, so any character is legal in them.
  - The result holds the password, so the task that uses it needs C(no_log).
options:
  _input:
    description:
      - The parts of the address.
      - The keys C(dialect), C(user), C(password), C(host) and C(name) are required.
      - The keys C(driver), C(port) and C(query) (a dict) are optional.
      - It is an error to give any other key, or a host or a database name that a URI cannot carry.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the address of MLflow's backend store
  ansible.builtin.debug:
    msg: "{{ parts | onprem.mlflow.database_uri }}"
  vars:
    parts:
      dialect: mysql
      driver: pymysql
      user: mlflow
      password: "p@ss/w:rd"
      host: mysql
      port: 3306
      name: mlflow
      query:
        charset: utf8mb4
  # => mysql+pymysql://mlflow:p%40ss%2Fw%3Ard@mysql:3306/mlflow?charset=utf8mb4
"""

RETURN = r"""
_value:
  description: The URI.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.database_uri import database_uri
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def database_uri_filter(parts: object) -> str:
    """Translate the error of the pure function."""
    try:
        return database_uri(parts)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"database_uri": database_uri_filter}
