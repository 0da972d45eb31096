# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that an operator gives as text, to be trusted."""

from __future__ import annotations

import ssl


def ca_certificate_problems(path: str, text: str, owner: str) -> list[str]:
    """Complain about a text that is no certificate, or holds more than one; `owner` has the private key."""
    if "PRIVATE KEY" in text:
        return [f"{path}: holds a private key, which is for {owner} alone, write the certificate without it."]
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return [
            f"{path}: is no certificate in PEM form, write its text, such as"
            " \"{{ lookup('ansible.builtin.file', 'ca.pem') }}\"."
        ]
    return []
