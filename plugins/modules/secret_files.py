#!/usr/bin/python
# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module onprem.mlflow.secret_files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_files
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Keep secrets as files on a server, generating those that are not given
description:
  - Writes one file for each secret, without a line break at its end.
  - A secret that is not given is generated once, when its file is missing, and found again by later runs.
  - A file is written under another name, with mode 0600, and then renamed, so nobody else can read it at any instant
    and a killed run leaves the old file or the new one.
  - All secrets are checked before the first file is written.
  - The result holds the secrets, so B(the task needs) C(no_log=true).
extends_documentation_fragment:
  - onprem.mlflow.attributes
options:
  directory:
    description:
      - Where the files are kept. It is an error if it does not exist, except in check mode.
    type: path
    required: true
  secrets:
    description:
      - The secrets. It is an error to give one name twice.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the file, made of letters, digits and the characters C(_ . -), with a letter or a digit first.
        type: str
        required: true
      value:
        description:
          - The secret. Where it is left out, the file keeps what it holds, and a missing one gets a generated secret.
          - It is an error if it is empty, holds a NUL character or ends with a line break.
        type: str
      owner:
        description: User who owns the file, by name or by number.
        type: str
        default: root
      group:
        description: Group of the file, by name or by number.
        type: str
        default: root
      mode:
        description:
          - Mode of the file, a quoted octal number of four digits. It is an error if it gives anything to everybody.
        type: str
        default: '0600'
      length:
        description: How many letters and digits a generated secret has, from 16 to 256.
        type: int
        default: 32
      fixed:
        description:
          - The service took the secret for good when it was made. It is an error if the file holds another value than
            the given one; nothing is written then.
        type: bool
        default: false
      data:
        description:
          - Folder of the data that the service made with the secret. Where it holds something, a missing file is an
            error, and no secret is generated that the service would not know. A given one is written.
        type: path
      variable:
        description: The option that the operator sets, for messages.
        type: str
attributes:
  check_mode:
    description: Can run in check mode and return a prediction. The prediction for a secret to be generated is random.
    support: full
  diff_mode:
    description: Returns which files change, never what they hold.
    support: full
"""

EXAMPLES = r"""
- name: Keep the passwords of MySQL
  onprem.mlflow.secret_files:
    directory: /opt/mlflow/secrets
    secrets:
      - name: mysql_root_password
        value: "{{ mysql_root_password | default(omit) }}"
        variable: mysql_root_password
        fixed: true
      - name: mysql_password
        owner: 999
        group: 999
  register: mysql_secrets
  no_log: true
"""

RETURN = r"""
values:
  description: The secrets by name.
  type: dict
  returned: success
digests:
  description:
    - A digest of each secret by name, an HMAC-SHA256 in hexadecimal, to be put where a change has to show.
    - Its key is kept in the directory, in C(.digest_key), so nothing can be learnt from a digest elsewhere.
  type: dict
  returned: success
created:
  description: Names of the files that were missing.
  type: list
  elements: str
  returned: success
updated:
  description: Names of the files that held something else.
  type: list
  elements: str
  returned: success
corrected:
  description: Names of the files that had another mode or owner.
  type: list
  elements: str
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.secret_files import (
    DIGEST_KEY_BYTES,
    Secret,
    SecretDirectory,
    Step,
    describe,
    digest,
    parse_secrets,
    plan,
)

SECRET_SPEC = {
    "name": {"type": "str", "required": True},
    "value": {"type": "str", "no_log": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0600"},
    "length": {"type": "int", "default": 32},
    "fixed": {"type": "bool", "default": False},
    "data": {"type": "path"},
    "variable": {"type": "str"},
}


def predict(path: str, secrets: list[Secret]) -> tuple[list[Step], bytes | None]:
    """Decide what would be done, writing nothing; the key of the digests is None where it would be made."""
    key = None
    stored = {}
    if os.path.lexists(path):
        with SecretDirectory.open(path, write=False) as directory:
            stored = {secret.name: found for secret in secrets if (found := directory.read(secret.name))}
            key = directory.read_digest_key()
    return plan(path, secrets, stored), key


def apply(path: str, secrets: list[Secret]) -> tuple[list[Step], bytes, bool]:
    """Decide what is to be done, and do it; tell also whether the key of the digests was made."""
    with SecretDirectory.open(path, write=True) as directory:
        stored = {secret.name: found for secret in secrets if (found := directory.read(secret.name))}
        steps = plan(path, secrets, stored)
        key, key_made = directory.ensure_digest_key()
        for step in steps:
            if step.changes:
                directory.write(step.secret.name, step.value.encode(), step.secret.access)
    return steps, key, key_made


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            # Its values are marked one by one.
            "secrets": {"type": "list", "elements": "dict", "required": True, "options": SECRET_SPEC, "no_log": False},
        },
        supports_check_mode=True,
    )
    path = module.params["directory"]
    try:
        secrets = parse_secrets(module.params["secrets"])
        if module.check_mode:
            steps, present_key = predict(path, secrets)
            key, key_made = present_key or os.urandom(DIGEST_KEY_BYTES), present_key is None
        else:
            steps, key, key_made = apply(path, secrets)
    except InputError as exc:
        module.fail_json(msg=str(exc))
    except OSError as exc:
        module.fail_json(msg=f"The secrets in {path} cannot be kept: {exc.strerror}; become root, or make room.")

    result: dict[str, Any] = {
        "changed": key_made or any(step.changes for step in steps),
        "values": {step.secret.name: step.value for step in steps},
        "digests": {step.secret.name: digest(step.value, key) for step in steps},
        "created": [step.secret.name for step in steps if step.creates],
        "updated": [step.secret.name for step in steps if step.updates],
        "corrected": [step.secret.name for step in steps if step.corrects],
        # In place of the parameters, which hold the secrets.
        "invocation": {"module_args": {"directory": path, "secrets": [secret.name for secret in secrets]}},
    }
    if module._diff:
        result["diff"] = describe(steps)
    # Handing the values to the play is what this module is for: the task's no_log guards them from here on.
    module.no_log_values.clear()
    module.exit_json(**result)


if __name__ == "__main__":
    main()
