# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values on their way into a compose file."""

from __future__ import annotations

from collections.abc import Mapping


def compose_escape(value: object) -> object:
    """Double every dollar sign of the strings in `value`, so that compose interpolates nothing.

    Keys stay as they are: compose interpolates values only.
    """
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: compose_escape(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [compose_escape(item) for item in value]
    return value
