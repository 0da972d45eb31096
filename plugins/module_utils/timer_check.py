# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the options of what timers do. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Systemd itself looks at what it means; this keeps other settings out of a unit.
_CALENDAR = re.compile(r"[A-Za-z0-9*:.,/~ _+-]+")
_NUMBERS = ("housekeeping_deleted_days", "housekeeping_images_days", "housekeeping_spool_hours")


def check_timers(values: Mapping[str, Any]) -> list[str]:
    """Complain about times that are none, and about ages below zero."""
    problems = [
        f"{name}: found {text!r}, write times as systemd does, such as daily or *-*-* 03:00:00."
        for name, text in values.items()
        if name.endswith("_calendar") and not _CALENDAR.fullmatch(str(text))
    ]
    problems += [
        f"{name}: found {values[name]}, write 0 or more." for name in _NUMBERS if int(values.get(name) or 0) < 0
    ]
    return problems
