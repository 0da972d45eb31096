#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.database_dump."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_dump
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Dump MLflow's database with the programs of its container
description:
  - Runs mysqldump or pg_dump in the container of the database and writes a file that only its owner reads.
  - The file is written under another name and renamed when it is complete.
  - B(Nothing may write to the database meanwhile). The rows of all tables are counted before and after, and it is an
    error if they differ.
  - A run that was killed may still be at work on the server. It is waited for, up to 10 minutes.
  - It is an error if the file system has less room than twice the size of the database, for the dump and for a copy.
extends_documentation_fragment:
  - onprem.mlflow.attributes
  - onprem.mlflow.container_database
options:
  path:
    description: The file. Its folder must exist, except in check mode. A file that is there is replaced.
    type: path
    required: true
attributes:
  check_mode:
    description: Can run in check mode. The login and the room are tried, and rows are counted, but nothing is written.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Dump the old database
  onprem.mlflow.database_dump:
    database: {container: lab-db-1, engine: postgres, name: mlflow, username: mlflow, password: "{{ password }}"}
    path: /opt/mlflow/backups/adopt/database.dump
  register: dump
"""

RETURN = r"""
path:
  description: The file.
  type: str
  returned: success
bytes:
  description: Its size. 0 in check mode.
  type: int
  returned: success
database_bytes:
  description: What its tables and indexes take in the database, as the server estimates it.
  type: int
  returned: success
rows:
  description: Number of rows by table.
  type: dict
  returned: success
version:
  description: Version of the database server, as many numbers as matter.
  type: list
  elements: int
  returned: success
  sample: [9, 7]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.container_database import (
    DATABASE_OPTIONS,
    Engine,
    Place,
    Runner,
    dump_database,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "dict", "required": True, "options": DATABASE_OPTIONS},
            "path": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        place = Place.parse(module.params["database"], "database")
        runner = Runner()
        version = Engine(place, runner).version()
        dumped = dump_database(place, module.params["path"], runner, dry_run=module.check_mode)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"The dump {module.params['path']} cannot be written: {exc.strerror}.")
    module.exit_json(
        changed=True,
        path=dumped.path,
        bytes=dumped.bytes,
        database_bytes=dumped.database_bytes,
        rows=dumped.rows,
        version=version,
    )


if __name__ == "__main__":
    main()
