# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that names a database in a container."""

from __future__ import annotations


class ModuleDocFragment:
    """What DATABASE_OPTIONS of module_utils/container_database.py takes."""

    DOCUMENTATION = r"""
options:
  database:
    description: Where the database is.
    type: dict
    required: true
    suboptions:
      container:
        description: Its container, which runs.
        type: str
        required: true
      engine:
        description: The engine.
        type: str
        choices: [mysql, postgres]
        required: true
      name:
        description: Name of the database.
        type: str
        required: true
      username:
        description: User.
        type: str
        required: true
      password:
        description: Password of the user. It reaches the container by the environment, no command line shows it.
        type: str
        required: true
"""
