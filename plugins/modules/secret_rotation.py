#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.secret_rotation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Keep the journal of a rotation of secrets
description:
  - Decides on new secrets and writes them down beside the old ones, in C(rotation.json) of the secrets' directory,
    before any service is told. A run that is killed is gone on with by the next one, with the same new secrets.
  - The result holds the secrets, so B(the task needs) C(no_log=true).
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  directory:
    description: Where the secrets are kept, as with M(onprem.mlflow.secret_files).
    type: path
    required: true
  state:
    description:
      - With V(begun), there is a journal. One that is there already is gone on with, whatever O(secrets) has.
      - With V(switched), the files hold the new secrets. Owners and modes stay.
      - With V(ended), there is no journal any more.
    type: str
    choices: [begun, switched, ended]
    required: true
  kinds:
    description: What was to be changed, as the operator has named it.
    type: list
    elements: str
    default: []
  secrets:
    description: The secrets to be changed. It is an error if one of them has no file yet.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file, below O(directory).
        type: str
        required: true
      kind:
        description: Which of O(kinds) it is of.
        type: str
        required: true
      value:
        description:
          - The new secret, which is generated where it is left out. It is an error if the file holds it already, or if
            the run that was interrupted had another one.
        type: str
      variable:
        description: The option that the operator sets, for messages.
        type: str
      length:
        description: How many letters and digits a generated secret has.
        type: int
        default: 32
      may_stay:
        description: Whether O(secrets[].value) may be what the file holds; the secret is left alone then.
        type: bool
        default: false
  begin:
    description: Whether a journal is begun where there is none.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in check mode and return a prediction. The prediction for a secret to be generated is random.
    support: full
  diff_mode:
    description: There is nothing to show but secrets.
    support: none
"""

EXAMPLES = r"""
- name: Decide on another password
  onprem.mlflow.secret_rotation:
    directory: /opt/mlflow/secrets
    state: begun
    kinds: [database]
    secrets:
      - name: mysql_password
        kind: database
  register: rotation
  no_log: true
"""

RETURN = r"""
resumed:
  description: Whether an earlier run has begun.
  type: bool
  returned: success
kinds:
  description: What is changed.
  type: list
  elements: str
  returned: success
changes:
  description: The secrets by name, with C(kind), C(old) and C(new).
  type: dict
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_files import SecretDirectory
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_rotation import (
    JOURNAL,
    Journal,
    Wanted,
    begin,
    must_fit,
    switch,
    write,
)

SECRET_SPEC = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True},
    "value": {"type": "str", "no_log": True},
    "variable": {"type": "str"},
    "length": {"type": "int", "default": 32},
    "may_stay": {"type": "bool", "default": False},
}


def rotate(params: dict[str, Any], dry_run: bool) -> dict[str, Any]:
    """Do what the state asks for."""
    path = params["directory"]
    with SecretDirectory.open(path, write=not dry_run) as directory:
        stored = directory.read(JOURNAL)
        journal = None if stored is None else Journal.read(stored, f"{path}/{JOURNAL}")
        result: dict[str, Any] = {"changed": False, "resumed": journal is not None}
        if params["state"] == "begun":
            wanted = [Wanted.parse(item) for item in params["secrets"]]
            if journal is not None:
                must_fit(journal, wanted)
            elif params["begin"]:
                journal = begin(path, params["kinds"], wanted, directory.read)
                result["changed"] = True
                if not dry_run:
                    write(directory, journal, os.geteuid(), os.getegid())
        elif params["state"] == "switched" and journal is not None and not dry_run:
            result["changed"] = bool(switch(directory, journal))
        elif params["state"] == "ended" and journal is not None:
            result["changed"] = True
            if not dry_run:
                directory.remove(JOURNAL)
    kept = journal or Journal()
    return {**result, "kinds": kept.kinds, "changes": {name: vars(change) for name, change in kept.changes.items()}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["begun", "switched", "ended"], "required": True},
            "kinds": {"type": "list", "elements": "str", "default": []},
            # Its values are marked one by one.
            "secrets": {"type": "list", "elements": "dict", "default": [], "options": SECRET_SPEC, "no_log": False},
            "begin": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        result = rotate(module.params, module.check_mode)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        path = module.params["directory"]
        module.fail_json(msg=f"The secrets in {path} cannot be kept: {exc.strerror}; become root, or make room.")
    # In place of the parameters, which hold the secrets.
    result["invocation"] = {"module_args": {"directory": module.params["directory"], "state": module.params["state"]}}
    # Handing the values to the play is what this module is for: the task's no_log guards them from here on.
    module.no_log_values.clear()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
