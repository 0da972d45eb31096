#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.run_lock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: run_lock
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.3.0
short_description: Let one run at a time work on a server
description:
  - A file on the server says which run is at work. A run that finds another one there ends with a sentence.
  - A run of the same controller whose process has ended is at work no more.
  - Whether a run of another controller goes on, only an operator can know.
  - A run is the process that was started. All its tasks, plays and playbooks have the server together.
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  state:
    description: V(taken) has the server for this run until it is V(released). What another run has is not released.
    type: str
    choices: [taken, released]
    default: taken
  wait:
    description: For how many seconds to wait for the end of another run.
    type: int
    default: 0
  ended_run:
    description: Identifier of a run of another controller that is known to have ended, as the sentence says it.
    type: str
    default: ""
  path:
    description: The file.
    type: path
    default: /var/lib/onprem-mlflow.run
  run:
    description: This run. The action fills it in.
    type: dict
attributes:
  check_mode:
    description: Can run in check mode, and ends with the sentence too. Nothing is taken or released then.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
notes:
  - It never tells a change, since nothing of a platform is changed.
"""

EXAMPLES = r"""
- name: Take the server
  onprem.mlflow.run_lock:

- name: Look whether another run is at work
  onprem.mlflow.run_lock:
  check_mode: true

- name: Let the server go
  onprem.mlflow.run_lock:
    state: released
"""

RETURN = r"""
held_by:
  description: The run that is at work, for the action, which ends with a sentence then. V(none) where this one may be.
  type: dict
  returned: success
  contains:
    id:
      description: Its identifier.
      type: str
    host:
      description: The host name of its controller.
      type: str
    pid:
      description: Its process there.
      type: int
    playbook:
      description: What it plays.
      type: str
    user:
      description: Who has started it.
      type: str
    since:
      description: When it took the server.
      type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.run_lock import LOCK, Run, let_go, take


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["taken", "released"], "default": "taken"},
            "wait": {"type": "int", "default": 0},
            "ended_run": {"type": "str", "default": ""},
            "path": {"type": "path", "default": LOCK},
            "run": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    path, run, holder = Path(module.params["path"]), Run.of(module.params["run"]), None
    try:
        if module.params["state"] == "taken":
            holder = take(path, run, module.params["ended_run"], write=not module.check_mode)
        elif not module.check_mode:
            let_go(path, run)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except PermissionError:
        module.fail_json(msg=f"{path}: this user may not write it, log in as root or set ansible_become: true.")
    module.exit_json(changed=False, held_by=holder and holder.as_dict())


if __name__ == "__main__":
    main()
