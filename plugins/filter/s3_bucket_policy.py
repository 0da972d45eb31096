# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter onprem.mlflow.s3_bucket_policy."""

from __future__ import annotations

DOCUMENTATION = r"""
name: s3_bucket_policy
author:
  - onprem.mlflow contributors (@onprem)
version_added: 0.1.0
short_description: Make the policy that limits a key to one bucket
description:
  - Returns the least that MLflow's artifact store needs in its bucket, as a policy document. Actions stand by their
    exact names, since RustFS refuses patterns such as C(s3:Get*).
options:
  _input:
    description:
      - Name of the bucket.
      - It is an error if no bucket can have this name.
    type: str
    required: true
  prefix:
    description:
      - Limit the key to the objects below this prefix.
      - It is an error if it holds C(*), C(?) or C($).
    type: str
positional: prefix
"""

EXAMPLES = r"""
- name: Show a policy
  ansible.builtin.debug:
    msg: "{{ 'mlflow' | onprem.mlflow.s3_bucket_policy }}"
"""

RETURN = r"""
_value:
  description: The policy document, as the option O(onprem.mlflow.rustfs_access_key#module:policy) takes it.
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import bucket_policy


def s3_bucket_policy_filter(bucket: object, prefix: str | None = None) -> dict[str, Any]:
    """Translate the error of the pure function."""
    try:
        return bucket_policy(bucket, prefix)
    except InputError as exc:
        raise AnsibleFilterError(str(exc)) from None


class FilterModule:
    """Make the filter known."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filter by its name."""
        return {"s3_bucket_policy": s3_bucket_policy_filter}
