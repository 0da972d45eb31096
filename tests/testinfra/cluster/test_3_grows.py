"""A second disk in each server is a second pool."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .objects import assert_all_there, on_disk, writing

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult
    from ..rustfs_admin import Ask
    from .objects import Written

GROWN: dict[str, Any] = {
    "rustfs_disks": [],
    "rustfs_pools": [{"disks": ["/srv/disk0/rustfs"]}, {"disks": ["/srv/disk1/rustfs"]}],
}


def write_some(platform: Platform, count: int) -> Written:
    with writing(platform) as written:
        while len(written.names) < count:
            assert not written.failed
            time.sleep(0.5)
    return written


@pytest.fixture(scope="module")
def old(platform: Platform) -> Written:
    return write_some(platform, 10)


@pytest.fixture(scope="module")
def grown(platform: Platform, old: Written) -> PlayResult:
    return platform.site(**GROWN)


def test_there_are_two_pools(grown: PlayResult, administrator: Ask) -> None:
    grown.assert_ok()
    backend = administrator("info")["info"]["backend"]
    assert (backend["onlineDisks"], backend["totalDrivesPerSet"]) == (8, [4, 4])
    pools = [pool["cmdline"] for pool in administrator("pools/list")]
    assert pools == [f"https://rustfs-{{1...4}}:9000/data/rustfs{number}" for number in range(2)]


def test_what_was_there_is_read_and_the_new_room_is_used(
    platform: Platform, stores: list[Platform], old: Written, grown: PlayResult
) -> None:
    assert_all_there(platform, old)
    new = write_some(platform, 30)
    assert_all_there(platform, new)
    parts = [on_disk(stores[2], new, disk) for disk in range(2)]
    assert all(parts)
    assert parts[0] | parts[1] >= set(new.names)


def test_another_run_changes_nothing(platform: Platform, grown: PlayResult) -> None:
    for check in (True, False):
        again = platform.site(check=check, **GROWN)
        again.assert_ok()
        assert again.changed == []


def test_a_pool_is_not_taken_away(platform: Platform, grown: PlayResult) -> None:
    refused = platform.site()
    assert refused.returncode != 0
    assert not refused.changed
    assert "rustfs_pools: found nothing as pool 2, but the objects of this platform are on /srv/disk1/rustfs of" in (
        refused.message
    )
