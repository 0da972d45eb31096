# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say how MLflow is reached as clients reach it."""

from __future__ import annotations


class ModuleDocFragment:
    """What FRONT_DOOR_OPTIONS of module_utils/mlflow_rest.py takes."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of MLflow as clients write it, with the path that it may be below.
      - It is an error if it is not an HTTP address or holds a user.
    type: str
    required: true
  connect_address:
    description:
      - Host, or host and port, to connect to in place of those in O(url). The host name in O(url) is sent all the same,
        as Host header and for TLS.
    type: str
  username:
    description: User to log in as.
    type: str
  password:
    description: Password of O(username).
    type: str
  ca_path:
    description: File with the certificates to trust, in PEM form. Those of the system where it is left out.
    type: path
  validate_certs:
    description: Whether the certificate of an HTTPS address must be right.
    type: bool
    default: true
"""
