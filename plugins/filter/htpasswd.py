# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.htpasswd."""

from __future__ import annotations

DOCUMENTATION = r"""
name: htpasswd
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Make an htpasswd file that changes only where a password did
description:
  - Returns the text of an htpasswd file with one line for each user, in the given order.
  - A hash in the present file is kept as long as it is of the wanted scheme and rounds and still verifies the password,
    so that a repeated run changes nothing. Users that are not listed are dropped.
  - Runs on the controller, so no plain password reaches the server.
options:
  _input:
    description:
      - The users, each a dict with C(name) and either C(password) or C(hash), a ready hash of the forms bcrypt, C($6$),
        C($5$), C($y$), C($apr1$) or C({SSHA}).
      - It is an error if a name is empty, given twice, holds a colon or a control character or begins with C(#); if a
        password is empty, holds a control character or, for bcrypt, is longer than 72 bytes; or if a hash is of no
        known form.
    type: list
    elements: dict
    required: true
  current:
    description: The text of the present file, empty where there is none.
    type: str
    default: ''
  scheme:
    description: The hash of passwords.
    type: str
    choices: [bcrypt, sha512_crypt, apr_md5_crypt]
    default: bcrypt
  rounds:
    description:
      - The cost of a hash. For V(bcrypt) from 4 to 17, the logarithm of its rounds, 12 where it is left out. For
        V(sha512_crypt) from 1000 to 10000000 rounds, 656000 where it is left out. V(apr_md5_crypt) has none.
    type: int
positional: current
requirements:
  - passlib
  - bcrypt below 4.1, for scheme V(bcrypt)
"""

EXAMPLES = r"""
- name: Write the users of the proxy
  ansible.builtin.copy:
    content: "{{ users | onprem.mlflow.htpasswd(present) }}"
    dest: /opt/mlflow/config/nginx/htpasswd
    mode: "0640"
  vars:
    users:
      - name: alice
        password: "{{ vault_alice_password }}"
    present: "{{ (slurped.content | default('')) | b64decode }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The text of the file, with a line break at its end.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.htpasswd import htpasswd


def htpasswd_filter(users: object, current: str | None = "", scheme: str = "bcrypt", rounds: int | None = None) -> str:
    """Translate the error of the pure function."""
    try:
        return htpasswd(users, current, scheme=scheme, rounds=rounds)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"htpasswd": htpasswd_filter}
