"""The table of results, as docs/faults.md has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tools.faults.run import Outcome

HEAD = (
    "| Fault | works again after | stated | acknowledged meanwhile | refused meanwhile | missing |",
    "|---|---|---|---|---|---|",
)


def rows(outcomes: Iterable[Outcome]) -> list[str]:
    """Return a row for each fault, in the order of the catalogue; of one that was made twice the longer time."""
    by_fault = defaultdict(list)
    for outcome in outcomes:
        by_fault[outcome.fault].append(outcome)
    made = []
    for fault, found in by_fault.items():
        seconds = max(outcome.seconds for outcome in found)
        counts = [
            sum(outcome.answered for outcome in found),
            sum(outcome.failed for outcome in found),
            sum(len(outcome.missing) for outcome in found),
        ]
        times = f" ({len(found)} times)" if len(found) > 1 else ""
        made.append(f"| {fault.title}{times} | {seconds:.0f} s | {fault.within} s | {' | '.join(map(str, counts))} |")
    return made
