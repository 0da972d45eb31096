# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that name an S3 store; a module that uses them says with `description` which store it is."""

from __future__ import annotations

# What STORE_OPTIONS of module_utils/s3_store.py takes.
_STORE = r"""
    type: dict
    required: true
    suboptions:
      endpoint_url:
        description: Address of the S3 API, without a path. It is an error if it is not an HTTP address.
        type: str
        required: true
      access_key:
        description: Access key.
        type: str
        required: true
      secret_key:
        description: Its secret, of any printable characters.
        type: str
        required: true
      region:
        description: Region that requests are signed for.
        type: str
        default: us-east-1
      ca_certificate:
        description:
          - File on the server with the certificates to trust, in PEM form. Those of the system where it is left out. It
            is an error if there is no such file.
        type: path
"""


class ModuleDocFragment:
    """The option of one store, and those of two."""

    DOCUMENTATION = f"options:\n  store:{_STORE}"

    SOURCE_AND_TARGET = f"options:\n  source:{_STORE}  target:{_STORE}"
