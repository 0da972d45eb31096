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
  - A run that was killed may still be at work on the server. It is waited for, up to 10 minutes.
  - Users, owners and rights of the old database do not come along. On MySQL, definers go, and tables in other character
    sets become utf8mb4, which MLflow's migrations need; the default collation becomes that of the tables.
  - It is an error if afterwards a table has another number of rows than O(rows) says.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.container_database
options:
  state:
    description:
      - V(restored) restores.
      - V(provisional) restores too, and leaves the table C(onprem_mlflow_adopt), so that the next restore replaces
        everything. B(Nobody may use the database yet).
      - V(final) restores nothing. It ends what V(provisional) began, and changes nothing where that has ended.
    type: str
    choices: [restored, provisional, final]
    default: restored
  path:
    description: The dump. Required unless O(state=final).
    type: path
  rows:
    description: Number of rows by table, as the dump was made. Required unless O(state=final).
    type: dict
  source_version:
    description:
      - Version of the server that the dump is from. It is an error if ours is older. Required unless O(state=final).
    type: list
    elements: int
  source_bytes:
    description:
      - What the tables take in the database that the dump is from. It is an error if the disk under ours has less than
        twice of it free, since MySQL waits for ever on a full disk.
    type: int
    default: 0
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

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import (
    DATABASE_OPTIONS,
    Place,
    Restored,
    Runner,
    make_final,
    restore_database,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def carry_out(params: dict[str, Any], *, dry_run: bool) -> Restored:
    """Restore, or make final what was restored."""
    place = Place.parse(params["database"], "database")
    if params["state"] == "final":
        return make_final(place, Runner(), dry_run=dry_run)
    return restore_database(
        place,
        params["path"],
        {table: int(count) for table, count in params["rows"].items()},
        Runner(),
        source_version=params["source_version"],
        source_bytes=params["source_bytes"],
        provisional=params["state"] == "provisional",
        dry_run=dry_run,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "dict", "required": True, "options": DATABASE_OPTIONS},
            "state": {"type": "str", "choices": ["restored", "provisional", "final"], "default": "restored"},
            "path": {"type": "path"},
            "rows": {"type": "dict"},
            "source_version": {"type": "list", "elements": "int"},
            "source_bytes": {"type": "int", "default": 0},
        },
        required_if=[("state", state, ["path", "rows", "source_version"]) for state in ("restored", "provisional")],
        supports_check_mode=True,
    )
    try:
        restored = carry_out(module.params, dry_run=module.check_mode)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"The dump {module.params['path']} cannot be restored: {exc.strerror}.")
    module.exit_json(changed=restored.changed, rows=restored.rows, begun_anew=restored.begun_anew)


if __name__ == "__main__":
    main()
