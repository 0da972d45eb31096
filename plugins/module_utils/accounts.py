# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of the proxy whose passwords the platform makes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError


def needs_password(user: Mapping[str, Any]) -> bool:
    """Tell whether a user is given with neither a password nor a hash."""
    return user.get("password") is None and user.get("hash") is None


def fill_passwords(users: Sequence[Mapping[str, Any]], passwords: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the users, each without password and hash with its password out of `passwords`, by name."""
    filled = []
    for user in users:
        name = str(user.get("name"))
        if not needs_password(user):
            filled.append(dict(user))
        elif name in passwords:
            filled.append({**user, "password": passwords[name]})
        else:
            raise InputError(f"User {name!r} has neither password nor hash, and none was generated for it.")
    return filled
