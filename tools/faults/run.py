"""One fault after the other, while a client logs."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tools.faults import journal
from tools.faults.check import missing
from tools.faults.fault import Fault
from tools.faults.probe import Probe
from tools.faults.server import FaultError, Server

# For the figure: longer than any stated time.
PATIENCE = 400
# What was on its way when the fault began.
BEFORE = 30


@dataclass(frozen=True)
class Outcome:
    """What a fault cost: seconds from the moment its cause was gone, requests, and what is missing of them."""

    fault: Fault
    seconds: float
    answered: int
    failed: int
    missing: tuple[str, ...] = ()

    @property
    def problems(self) -> list[str]:
        """Return what must not be."""
        name, stated = self.fault.name, self.fault.within
        late = [f"{name}: worked again after {self.seconds:.0f} s, and {stated} s are stated"]
        return (late if self.seconds > stated else []) + [f"{name}: {lack}" for lack in self.missing]


def suffer(server: Server, probe: Probe, fault: Fault) -> Outcome:
    """Make a fault and return what it cost."""
    fault.prepare(server)
    server.settle()
    if probe.seconds_until_it_works(fault.within) is None:
        raise FaultError(f"{fault.name}: does not work before the fault")
    begun = time.time()
    fault.strike(server)
    time.sleep(fault.lasts)
    fault.relieve(server)
    seconds = probe.seconds_until_it_works(PATIENCE)
    if seconds is None:
        raise FaultError(f"{fault.name}: does not work {PATIENCE} s after the fault\n{server.compose('ps', '--all')}")
    ended = time.time()
    server.settle()
    server.expect_client()
    server.end_uploads()
    fault.tidy(server)
    server.settle()
    entries = [entry for entry in journal.read(server.journal) if entry.at > begun - BEFORE]
    meanwhile = [entry for entry in entries if begun < entry.at < ended]
    lacks = missing(server.door, entries)
    failed = sum(bool(entry.failed) for entry in meanwhile)
    return Outcome(fault, seconds, len(meanwhile) - failed, failed, tuple(lacks))
