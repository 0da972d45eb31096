# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks of RustFS, told from what an inventory says and from a server's folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_disks import (
    Disk,
    changed_disks_problem,
    check_folders,
    disk_problems,
    disks_in_use,
    look,
    physical_disks,
)

RUSTFS = 10001
SYSTEM = frozenset({"sda"})


def folders(count: int) -> list[str]:
    return [f"/srv/disk{number}/rustfs" for number in range(count)]


def test_good_folders() -> None:
    assert check_folders("rustfs_disks", folders(16)) == []
    assert check_folders("rustfs_disks", ["/srv/disk1", "/srv/disk10"]) == []


@pytest.mark.parametrize(
    ("disks", "sentence"),
    [
        (["srv/disk0"], "rustfs_disks: found 'srv/disk0', write the whole path of a folder"),
        (["/"], "rustfs_disks: found '/', write the whole path of a folder"),
        (["/srv/../etc"], "rustfs_disks: found '/srv/../etc', write the whole path of a folder"),
        (["/srv/a:ro"], "rustfs_disks: found '/srv/a:ro', write the whole path of a folder"),
        (["/srv/a", "/srv/a"], "rustfs_disks: /srv/a stands twice, remove one of them."),
        (["/srv/a/b", "/srv/a"], "rustfs_disks: /srv/a/b and /srv/a lie in one another, write"),
    ],
)
def test_bad_folders_get_one_sentence(disks: list[str], sentence: str) -> None:
    problems = check_folders("rustfs_disks", disks)

    assert len(problems) == 1
    assert problems[0].startswith(sentence)


@pytest.fixture
def block_devices(tmp_path: Path) -> Path:
    """Lay out two disks, a partition of one, and a logical volume over both, as sysfs does."""
    devices, numbers = tmp_path / "devices", tmp_path / "block"
    numbers.mkdir()
    for path in ("sda/sda1", "sdb", "dm-0/slaves"):
        (devices / path).mkdir(parents=True)
    (devices / "sda/sda1/partition").write_text("1\n", encoding="utf-8")
    for member in ("sda/sda1", "sdb"):
        (devices / "dm-0/slaves" / Path(member).name).symlink_to(devices / member)
    for number, path in (("8:1", "sda/sda1"), ("8:16", "sdb"), ("253:0", "dm-0")):
        (numbers / number).symlink_to(devices / path)
    return numbers


@pytest.mark.parametrize(
    ("number", "disks"),
    [((8, 1), {"sda"}), ((8, 16), {"sdb"}), ((253, 0), {"sda", "sdb"}), ((0, 61), {"0:61"})],
)
def test_physical_disks(block_devices: Path, number: tuple[int, int], disks: set[str]) -> None:
    assert physical_disks(os.makedev(*number), block_devices) == disks


def test_a_missing_folder_lies_where_the_one_above_it_does(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").touch()

    here = look(str(tmp_path / "here"))
    assert here == Disk(str(tmp_path / "here"), look(str(tmp_path)).devices, ("file",), os.getuid())
    assert look(str(tmp_path / "a" / "b")) == Disk(str(tmp_path / "a" / "b"), here.devices)
    assert not look(str(tmp_path / "here" / "file")).is_folder


def disk(number: int, *names: str, device: str | None = None, owner: int = 0) -> Disk:
    return Disk(f"/srv/disk{number}", frozenset({device or f"sd{'bcdef'[number]}"}), names, owner)


@pytest.mark.parametrize("allow_shared", [False, True])
def test_good_servers(allow_shared: bool) -> None:
    disks = [disk(0), disk(1, "lost+found"), disk(2, ".rustfs.sys", "mlflow", owner=RUSTFS)]

    assert disk_problems(disks, SYSTEM, allow_shared, RUSTFS) == []
    assert disk_problems([], SYSTEM, allow_shared, RUSTFS) == []


@pytest.mark.parametrize(
    ("disks", "sentence", "shared"),
    [
        ([disk(0, device="sda")], "rustfs_disks: /srv/disk0 is on the system disk, mount a disk of its own", True),
        (
            [disk(0), disk(1, device="sdb")],
            "rustfs_disks: /srv/disk0 and /srv/disk1 are on one disk, write folders on different disks",
            True,
        ),
        (
            [disk(0, "a", "b", "c", "d")],
            "rustfs_disks: /srv/disk0 holds other files (a, b, c and more), write an empty folder on that disk, such"
            " as /srv/disk0/rustfs.",
            False,
        ),
        (
            [disk(0, ".rustfs.sys", owner=1000)],
            "rustfs_disks: /srv/disk0 holds objects and belongs to user 1000, give it to RustFS with"
            " 'chown -R 10001:10001 /srv/disk0'.",
            False,
        ),
        (
            [Disk("/srv/disk0", frozenset({"sdb"}), is_folder=False)],
            "rustfs_disks: /srv/disk0 is not a folder, write one.",
            False,
        ),
    ],
)
def test_bad_servers(disks: list[Disk], sentence: str, shared: bool) -> None:
    problems = disk_problems(disks, SYSTEM, allow_shared=False, owner=RUSTFS)

    assert len(problems) == 1
    assert problems[0].startswith(sentence)
    assert disk_problems(disks, SYSTEM, allow_shared=True, owner=RUSTFS) == ([] if shared else problems)


def test_disks_in_use(tmp_path: Path) -> None:
    disks = [str(tmp_path / "disk0"), str(tmp_path / "disk1")]
    assert disks_in_use(tmp_path) is None

    (tmp_path / "data/rustfs").mkdir(parents=True)
    assert disks_in_use(tmp_path) is None
    (tmp_path / "data/rustfs/.rustfs.sys").mkdir()
    assert disks_in_use(tmp_path) == []

    # A failed first run made the folders and the note.
    (tmp_path / "data/rustfs/.rustfs.sys").rmdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/rustfs_disks.json").write_text(json.dumps({"disks": disks}), encoding="utf-8")
    for folder in disks:
        Path(folder).mkdir()
    assert disks_in_use(tmp_path) is None
    (tmp_path / "disk0/.rustfs.sys").mkdir()
    assert disks_in_use(tmp_path) == disks
    (tmp_path / "disk0/.rustfs.sys").rmdir()
    (tmp_path / "disk1").rmdir()
    assert disks_in_use(tmp_path) == disks


def test_disks_stay_as_they_are() -> None:
    assert changed_disks_problem(["/srv/a"], None, "/opt/mlflow") is None
    assert changed_disks_problem(["/srv/a"], ["/srv/a"], "/opt/mlflow") is None
    assert changed_disks_problem(["/srv/b", "/srv/a"], ["/srv/a", "/srv/b"], "/opt/mlflow") == (
        'rustfs_disks: found ["/srv/b", "/srv/a"], but the objects of this platform are on /srv/a, /srv/b:'
        ' write ["/srv/a", "/srv/b"], or bring them to another platform first, as docs/object-store.md says.'
    )
    assert changed_disks_problem(["/srv/a"], [], "/opt/mlflow") == (
        'rustfs_disks: found ["/srv/a"], but the objects of this platform are in /opt/mlflow/data/rustfs:'
        " remove it, or bring them to another platform first, as docs/object-store.md says."
    )
