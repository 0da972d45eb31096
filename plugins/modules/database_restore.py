#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.database_restore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_restore
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Restore a dump of MLflow's database into an empty one
description:
  - Feeds what M(onprem.mlflow.database_dump) wrote to mysql or pg_restore in the container of another database.
  - It is an error if that database is not empty. A table C(onprem_mlflow_adopt) is there while the dump is restored, so
    that what a killed run left is recognised, dropped and restored anew.
  - Users, owners and rights of the old database do not come along. On MySQL, definers go, and tables in other character
    sets become utf8mb4, which MLflow's migrations need; the default collation becomes that of the tables.
  - It is an error if afterwards a table has another number of rows than O(rows) says.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.container_database
options:
  path:
    description: The dump.
    type: path
    required: true
  rows:
    description: Number of rows by table, as the dump was made.
    type: dict
    required: true
  source_version:
    description: Version of the server that the dump is from. It is an error if ours is older.
    type: list
    elements: int
    required: true
attributes:
  check_mode:
    description: Can run in check mode. Whether the database can take the dump is tried, and nothing is written.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Restore the dump into our database
  onprem.mlflow.database_restore:
    database: {container: mlflow-postgres-1, engine: postgres, name: mlflow, username: mlflow, password: "{{ ours }}"}
    path: "{{ dump.path }}"
    rows: "{{ dump.rows }}"
    source_version: "{{ dump.version }}"
"""

RETURN = r"""
rows:
  description: Number of rows by table, afterwards. Empty in check mode.
  type: dict
  returned: success
begun_anew:
  description: Whether an interrupted restore was found and dropped, or would be.
  type: bool
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import (
    DATABASE_OPTIONS,
    Place,
    Runner,
    restore_database,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "dict", "required": True, "options": DATABASE_OPTIONS},
            "path": {"type": "path", "required": True},
            "rows": {"type": "dict", "required": True},
            "source_version": {"type": "list", "elements": "int", "required": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        restored = restore_database(
            Place.parse(params["database"], "database"),
            params["path"],
            {table: int(count) for table, count in params["rows"].items()},
            Runner(),
            source_version=params["source_version"],
            dry_run=module.check_mode,
        )
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"The dump {params['path']} cannot be restored: {exc.strerror}.")
    module.exit_json(changed=True, rows=restored.rows, begun_anew=restored.begun_anew)


if __name__ == "__main__":
    main()
