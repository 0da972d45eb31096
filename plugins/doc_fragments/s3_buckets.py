# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that chooses buckets; a module that uses it says with `description` what it does with them."""

from __future__ import annotations


class ModuleDocFragment:
    """What SELECTION_OPTIONS of module_utils/s3_inventory.py takes."""

    DOCUMENTATION = r"""
options:
  buckets:
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the bucket.
        type: str
        required: true
      prefix:
        description: Beginning of the keys.
        type: str
        default: ''
      target_name:
        description: Name of the bucket on the target, the same where it is left out.
        type: str
"""
