"""Whatever fails, it works again by itself in the time that is stated, and nothing that was acknowledged is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.faults import journal
from tools.faults.catalogue import FAULTS
from tools.faults.check import missing
from tools.faults.fault import Fault
from tools.faults.probe import Probe
from tools.faults.run import suffer
from tools.faults.server import Server

from ..conftest import INVENTORY


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    found = Server(INVENTORY, tmp_path_factory.mktemp("faults"))
    found.door.resolve()
    return found


@pytest.fixture(scope="module")
def probe(server: Server) -> Iterator[Probe]:
    """What asks whether the platform works, while a client logs."""
    made = Probe(server.door)
    with server.logging():
        yield made


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_it_works_again_and_nothing_is_missing(server: Server, probe: Probe, fault: Fault) -> None:
    if not fault.concerns(server):
        pytest.skip("is of another object store")
    outcome = suffer(server, probe, fault)
    print(f"{fault.name}: {outcome.seconds:.1f} s, {outcome.answered} acknowledged, {outcome.failed} refused")
    assert outcome.problems == []


def test_all_of_it_is_there_in_the_end(server: Server) -> None:
    entries = journal.read(server.journal)
    assert len(entries) > 1000
    assert missing(server.door, entries) == []
