# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How nginx has answered, counted in its log: its own status page tells connections alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import Ask

# All are there from the start, so that the first error is an increase.
CLASSES = ("2xx", "3xx", "4xx", "5xx")
# A line is kept back for a second.
DELAY_SECONDS = 2
# What was logged longer ago is left out: a server that was off for a day is not read for an hour.
LONGEST_SECONDS = 3600

# Quotes in a request or a name are escaped, so none of them ends it.
_COMBINED = re.compile(r'\] "[^"]*" (\d)\d\d \d+ "')


@dataclass(frozen=True)
class Counted:
    """The answers of each class until a time, in whole seconds."""

    until: int
    answers: Mapping[str, int]


def status_class(line: str) -> str | None:
    """Return the class of the answer that a line of the access log tells; None for another line."""
    if line.startswith("{"):
        try:
            first = str(json.loads(line)["status"])[:1]
        except (KeyError, TypeError, ValueError):
            return None
    else:
        found = _COMBINED.search(line)
        first = found[1] if found else ""
    name = f"{first}xx"
    return name if name in CLASSES else None


def tally(lines: Iterable[str]) -> dict[str, int]:
    """Count the answers of each class."""
    counts = dict.fromkeys(CLASSES, 0)
    for line in lines:
        name = status_class(line)
        if name:
            counts[name] += 1
    return counts


def count_on(before: Counted | None, containers: Sequence[str], now: float, ask: Ask) -> Counted:
    """Add what was logged since the last count; where there was none, it begins now."""
    until = int(now) - DELAY_SECONDS
    if before is None:
        return Counted(until, dict.fromkeys(CLASSES, 0))
    answers = {name: int(before.answers.get(name, 0)) for name in CLASSES}
    since = max(before.until, until - LONGEST_SECONDS)
    if since >= until:
        return Counted(before.until, answers)
    for container in containers:
        status, text = ask(["docker", "logs", f"--since={since}", f"--until={until}", container])
        if status != 0:
            # They are counted the next time.
            return Counted(before.until, answers)
        for name, count in tally(text.splitlines()).items():
            answers[name] += count
    return Counted(until, answers)
