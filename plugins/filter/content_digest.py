# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.content_digest."""

from __future__ import annotations

DOCUMENTATION = r"""
name: content_digest
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Digest any structure of data
description:
  - Returns the SHA-256 of the structure's canonical JSON. The order of the keys of a dict does not change it,
    the order of a list does.
  - Made for labels that tell compose when a service has to be made anew. Secrets must not enter it, since what a digest
    without a key was made of can be guessed; use the C(digests) that M(onprem.mlflow.secret_files) returns.
options:
  _input:
    description:
      - Strings, numbers, booleans, nulls, lists and dicts with strings as keys, nested as you like.
      - It is an error to give anything else, such as a date that YAML made of an unquoted value.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Digest the options of a service
  ansible.builtin.debug:
    msg: "{{ {'b': 1, 'a': [true, 'x']} | onprem.mlflow.content_digest }}"
"""

RETURN = r"""
_value:
  description: 64 hexadecimal digits.
  type: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.content_digest import content_digest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def content_digest_filter(content: object) -> str:
    """Translate the error of the pure function."""
    try:
        return content_digest(content)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"content_digest": content_digest_filter}
