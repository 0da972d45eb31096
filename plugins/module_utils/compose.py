# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values on their way into a compose file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

LIMITS = ("memory", "cpus", "log_max_size", "log_max_files")
LEAST_MEMORY = 64 * 1024**2

# What a service keeps in memory from its start, and the option that limits it.
_KEPT = {"mysql_memory": "mysql_innodb_buffer_pool_size", "postgres_memory": "postgres_shared_buffers"}
_SIZE = re.compile(r"([1-9][0-9]*)([kmg])b?", re.IGNORECASE)
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}


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


def service_limits(limits: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a role's limits into keys of a compose service; what is empty or 0 is left to the engine."""
    unknown = sorted(set(limits) - set(LIMITS))
    if unknown:
        raise InputError(f"compose_limits does not know the key {unknown[0]!r}, write one of: {', '.join(LIMITS)}.")
    found: dict[str, Any] = {}
    if limits.get("memory"):
        found["mem_limit"] = str(limits["memory"])
    if float(limits.get("cpus") or 0):
        found["cpus"] = float(limits["cpus"])
    if limits.get("log_max_size"):
        rotation = {"max-size": str(limits["log_max_size"]), "max-file": str(limits.get("log_max_files") or 1)}
        found["logging"] = {"driver": "json-file", "options": rotation}
    return found


def check_service_limits(values: Mapping[str, Any]) -> list[str]:
    """Complain about limits of services that the engine would refuse, or that no service can run in."""
    problems = []
    for name, value in values.items():
        if name.endswith("_memory"):
            if str(value) and memory_bytes(value) < LEAST_MEMORY:
                problems.append(
                    f"{name}: found {str(value)!r}, write at least 64m, such as 512m or 2g, or '' for no limit."
                )
        elif name.endswith("_cpus"):
            if float(value) < 0:
                problems.append(f"{name}: found {value}, write a number above 0, such as 1.5, or 0 for no limit.")
        elif name.endswith("_log_max_size"):
            if str(value) and not memory_bytes(value):
                problems.append(f"{name}: found {str(value)!r}, write a size such as 10m, or '' for the engine's own.")
        elif name.endswith("_log_max_files") and int(value) < 1:
            problems.append(f"{name}: found {value}, write 1 or more.")
    for name, kept in _KEPT.items():
        limit, needed = memory_bytes(values.get(name)), memory_bytes(values.get(kept))
        if 0 < limit <= needed:
            problems.append(
                f"{name}: found {values[name]!r}, but {kept} alone is {values[kept]}, write more, or less there."
            )
    return problems


def memory_bytes(value: object) -> int:
    """Return the bytes that a size such as 512m means, or 0 where it means none."""
    match = _SIZE.fullmatch(str(value))
    return int(match[1]) * _UNITS[match[2].lower()] if match else 0
