#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of onprem.mlflow.check_inputs, which is an action on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inputs
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Check an inventory before anything is changed
description:
  - Compares the variables of a host with the argument specs of roles of this collection, and names everything that is
    wrong at once, one sentence for each problem.
  - Finds wrong types and choices, variables that begin like a role's options but are none, variables that cannot be
    computed or decrypted, variables that are needed and not set, groups that are missing or empty, host names given
    twice, users given twice, empty passwords, RustFS's default keys and versions of MLflow with published holes.
  - Reads variables as they stand in the inventory, the play or on the command line. Defaults of roles are not checked,
    and neither are options that are not set.
  - Runs on the controller and changes nothing. Secrets are never shown.
extends_documentation_fragment:
  - onprem.mlflow.attributes.read_only
options:
  roles:
    description:
      - Roles of this collection whose options are checked. It is an error to name a role without an argument spec.
    type: list
    elements: str
    required: true
  groups:
    description:
      - Groups that the inventory must fill, with what belongs into each, such as V(the server of the database).
    type: dict
    default: {}
  known_variables:
    description: Variables that begin like options of a role, are none, and are set for a purpose of your own.
    type: list
    elements: str
    default: []
  required_variables:
    description: Variables that have no default, with what belongs into each, such as V(the host names of MLflow).
    type: dict
    default: {}
attributes:
  action:
    description: All of it is executed on the controller, by the action plugin of the same name.
    support: full
  platform:
    description: Platforms the module runs on.
    platforms: all
    support: full
"""

EXAMPLES = r"""
- name: Check the inventory
  onprem.mlflow.check_inputs:
    roles: [mysql, nginx]
    groups:
      mlflow_database: the server of the database
      mlflow_proxy: the server of the proxy
"""

RETURN = r"""
images:
  description: The images that the options of the roles name, by their options; those of the operator and the defaults.
  returned: always
  type: dict
  sample: {"mysql_image": "mysql:9.7"}
versions:
  description: The versions that the options of the roles name, by their options; the defaults too.
  returned: always
  type: dict
  sample: {"mlflow_version": "3.17.2"}
problems:
  description: One sentence for each problem.
  type: list
  elements: str
  returned: always
"""
