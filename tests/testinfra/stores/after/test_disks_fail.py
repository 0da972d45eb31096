"""A disk loses everything, another is not mounted when the server starts: objects are read, and come back."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from ...conftest import eventually

if TYPE_CHECKING:
    from ...conftest import Platform
    from ...rustfs_admin import Ask

SECONDS = 90
KEYS = [f"own/kept-{number}" for number in range(5)]


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(3_000_000)


def assert_all_is_read(bucket: Any, content: bytes) -> None:
    wanted = hashlib.sha256(content).digest()
    for key in KEYS:
        assert hashlib.sha256(bucket.get_object(Bucket="mlflow", Key=key)["Body"].read()).digest() == wanted, key


def disks_with_an_identity(administrator: Ask) -> int:
    """RustFS counts the empty folder in a disk's place as online, too; it is none of the set's disks."""
    (server,) = administrator("info")["info"]["servers"]
    return sum(bool(drive["uuid"]) for drive in server["drives"])


def is_filled(platform: Platform, disk: str) -> bool:
    """It is one of the set again, all objects are on it, and RustFS has put away its notes of having filled it."""
    if not platform.host.file(f"{disk}/rustfs/.rustfs.sys/format.json").exists:
        return False
    missing = [key for key in KEYS if not platform.host.file(f"{disk}/rustfs/mlflow/{key}").is_directory]
    notes = "ls /srv/disk*/rustfs/.rustfs.sys/buckets/ahm-replacement/*_intent.json"
    return not missing and bool(platform.host.run(notes).failed)


def test_an_emptied_disk_loses_no_object(platform: Platform, bucket: Any, content: bytes) -> None:
    for key in KEYS:
        bucket.put_object(Bucket="mlflow", Key=key, Body=content)
    platform.host.check_output("find /srv/disk1/rustfs -mindepth 1 -delete")
    assert_all_is_read(bucket, content)
    bucket.put_object(Bucket="mlflow", Key="own/meanwhile", Body=content)
    assert eventually(lambda: is_filled(platform, "/srv/disk1"), SECONDS)


def test_a_disk_that_is_not_mounted_is_done_without(
    platform: Platform, bucket: Any, administrator: Ask, content: bytes
) -> None:
    platform.compose("stop", "rustfs")
    platform.host.check_output("umount /srv/disk2")
    platform.compose("up", "--detach", "--wait", "rustfs")
    assert_all_is_read(bucket, content)
    assert disks_with_an_identity(administrator) == 3
    assert not platform.host.check_output("find /srv/disk2/rustfs -type f"), "written to the system's disk"


def test_a_run_with_a_missing_disk_is_refused(platform: Platform) -> None:
    result = platform.site()
    assert result.returncode != 0
    assert not result.changed
    assert "rustfs_disks: /srv/disk2/rustfs is on the system disk" in result.message


def test_a_new_disk_in_its_place_is_filled(platform: Platform, bucket: Any, administrator: Ask, content: bytes) -> None:
    platform.host.check_output("mount -t tmpfs -o size=1g,mode=0755 disk2 /srv/disk2")
    result = platform.site()
    result.assert_ok()
    assert "rustfs : Make the folders on the disks" in " ".join(result.changed)
    platform.compose("restart", "rustfs")
    assert eventually(lambda: disks_with_an_identity(administrator) == 4, SECONDS)
    assert_all_is_read(bucket, content)
    assert eventually(lambda: is_filled(platform, "/srv/disk2"), SECONDS)
