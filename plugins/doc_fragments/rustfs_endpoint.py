# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say where RustFS is; those of ENDPOINT_OPTIONS in module_utils/rustfs_admin.py."""

from __future__ import annotations


class ModuleDocFragment:
    """How RustFS is reached."""

    DOCUMENTATION = r"""
options:
  endpoint_url:
    description:
      - Address of RustFS, without a path. It is an error if it is not an HTTP address.
    type: str
    required: true
  region:
    description: Region that requests are signed for, C(RUSTFS_REGION) of the server.
    type: str
    default: us-east-1
  validate_certs:
    description: Whether the certificate of an HTTPS address must be right.
    type: bool
    default: true
  ca_path:
    description: File with the certificates to trust, in PEM form. Those that botocore brings where it is left out.
    type: path
"""
