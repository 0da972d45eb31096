"""Disks that RustFS must not have end a run before its first change, all of them told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ...conftest import Platform, PlayResult


@pytest.fixture(scope="module")
def refused(platform: Platform) -> PlayResult:
    platform.host.check_output("mkdir -p /srv/disk3/photos && touch /srv/disk3/photos/one")
    disks = ["/srv/disk0/a", "/srv/disk0/b", "/srv/system", "/srv/disk3"]
    result = platform.site(rustfs_disks=disks)
    platform.host.check_output("rm -r /srv/disk3/photos")
    return result


def test_nothing_is_changed(platform: Platform, refused: PlayResult) -> None:
    assert refused.returncode != 0
    assert not refused.changed
    assert not platform.host.file("/srv/disk0/a").exists
    assert not platform.host.file("/opt/mlflow").exists
    assert "Traceback" not in refused.output


@pytest.mark.parametrize(
    "sentence",
    [
        "rustfs_disks: /srv/disk0/a and /srv/disk0/b are on one disk, write folders on different disks",
        "rustfs_disks: /srv/system is on the system disk, mount a disk of its own there,"
        " or set rustfs_allow_shared_disks: true.",
        "rustfs_disks: /srv/disk3 holds other files (photos), write an empty folder on that disk",
    ],
)
def test_each_disk_gets_its_sentence(refused: PlayResult, sentence: str) -> None:
    assert sentence in refused.message
