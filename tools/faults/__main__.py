"""Make faults in a random order on a lab server while a client of MLflow logs: `python -m tools.faults`.

The lab of `make lab` has to run. Each fault is followed by a look whether it works again and whether all that was
acknowledged since is there; at the end all that was acknowledged is read back. Prints the table of docs/faults.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tools.faults import journal
from tools.faults.catalogue import FAULTS
from tools.faults.check import missing
from tools.faults.order import shuffled
from tools.faults.probe import Probe
from tools.faults.run import Outcome, suffer
from tools.faults.server import ROOT, Server
from tools.faults.table import HEAD, rows


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} load {os.getloadavg()[0]:4.1f}  {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inventory", type=Path, default=ROOT / "inventories/lab", help="the lab server's inventory")
    parser.add_argument("--count", type=int, default=20, help="how many faults")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the order of an earlier run")  # noqa: S311
    parser.add_argument(
        "--only", nargs="+", choices=[fault.name for fault in FAULTS], help="these faults, in this order"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(options.inventory, Path(folder))
        server.door.resolve()
        there = [fault for fault in FAULTS if fault.concerns(server)]
        if options.only:
            planned = [fault for name in options.only for fault in there if fault.name == name]
        else:
            planned = shuffled(there, options.count, options.seed)
            say(f"seed {options.seed}")
        outcomes: list[Outcome] = []
        probe = Probe(server.door)
        with server.logging():
            for number, fault in enumerate(planned, 1):
                outcome = suffer(server, probe, fault)
                outcomes.append(outcome)
                say(
                    f"{number}/{len(planned)} {fault.name}: {outcome.seconds:.1f} s, {outcome.answered} acknowledged,"
                    f" {outcome.failed} refused, {len(outcome.missing)} missing"
                )
        entries = journal.read(server.journal)
        say(f"{sum(not entry.failed for entry in entries)} acknowledged in all, read back")
        problems = [problem for outcome in outcomes for problem in outcome.problems] + missing(server.door, entries)
    in_order = sorted(outcomes, key=lambda outcome: FAULTS.index(outcome.fault))
    print("\n".join([*HEAD, *rows(in_order), "", *problems]))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
