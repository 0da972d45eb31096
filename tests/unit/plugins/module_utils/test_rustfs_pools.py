# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools of RustFS: what an inventory may say of them, what each server is started with, and what may become of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_pools import (
    Layout,
    changed_layout_problem,
    check_pools,
    parse_pools,
    rustfs_layout,
)

FOUR = ["a", "b", "c", "d"]
EIGHT = [*FOUR, "e", "f", "g", "h"]


def folders(count: int, first: int = 0) -> list[str]:
    return [f"/srv/disk{number}/rustfs" for number in range(first, first + count)]


@pytest.mark.parametrize(
    ("values", "servers"),
    [
        ({}, []),
        ({}, ["a"]),
        ({"rustfs_disks": folders(1)}, ["a"]),
        ({"rustfs_disks": folders(16), "rustfs_parity": 8}, ["a"]),
        ({"rustfs_disks": folders(2), "rustfs_parity": "1"}, ["a"]),
        ({"rustfs_pools": [{"disks": folders(2)}, {"disks": folders(4, 2)}]}, ["a"]),
        ({}, FOUR),
        ({"rustfs_parity": 1}, FOUR),
        ({}, FOUR[:3]),
        ({"rustfs_disks": folders(4)}, FOUR),
        ({"rustfs_disks": folders(5), "rustfs_parity": 5}, FOUR[:3]),
        ({"rustfs_pools": [{}, {"disks": folders(1)}]}, FOUR),
        ({"rustfs_pools": [{"servers": EIGHT[:4]}, {"servers": EIGHT[4:], "disks": folders(2)}]}, EIGHT),
        # What has a wrong type is told of elsewhere.
        ({"rustfs_pools": [None]}, FOUR),
    ],
)
def test_good_pools(values: dict[str, Any], servers: list[str]) -> None:
    assert check_pools(values, servers) == []


@pytest.mark.parametrize(
    ("values", "servers", "sentence"),
    [
        ({"rustfs_disks": folders(17)}, ["a"], "rustfs_disks: found 17 disks, write at most 16."),
        (
            {"rustfs_parity": 1},
            ["a"],
            "rustfs_parity: is of no use with a single disk, remove it, or name several in rustfs_disks.",
        ),
        ({"rustfs_disks": folders(3), "rustfs_parity": 2}, ["a"], "rustfs_parity: found 2, write 1 for 3 disks."),
        (
            {"rustfs_disks": folders(5), "rustfs_parity": 0},
            ["a"],
            "rustfs_parity: found 0, write a number from 1 to 2 for 5 disks.",
        ),
        (
            {"rustfs_disks": folders(1), "rustfs_pools": [{"disks": folders(1)}]},
            ["a"],
            "rustfs_disks: stands beside rustfs_pools, write its disks as the first of these, and remove it.",
        ),
        (
            {"rustfs_pools": [{"disks": folders(1)}, {"disks": folders(2, 1)}]},
            ["a"],
            "rustfs_pools[0]: found a single disk, write at least 2 in each of several pools.",
        ),
        (
            {"rustfs_pools": [{"disks": folders(2)}, {"disks": folders(2, 1)}]},
            ["a"],
            "rustfs_pools: /srv/disk1/rustfs stands twice, remove one of them.",
        ),
        (
            {},
            ["a", "b"],
            "mlflow_object_store: found 2 servers, and nothing could be written while one is lost, write 1, or"
            " at least 3.",
        ),
        (
            {"rustfs_disks": folders(5)},
            FOUR,
            "rustfs_disks: found 5 disks on each of 4 servers, which are 20, write at most 16 in a pool, and the"
            " others as further ones of rustfs_pools.",
        ),
        (
            {"rustfs_disks": folders(5)},
            FOUR[:3],
            "rustfs_parity: is 4 by itself, but the loss of a server takes 5 of 15 disks, write a number from 5"
            " to 7 for 3"
            " servers.",
        ),
        (
            {"rustfs_disks": folders(2), "rustfs_parity": 1},
            FOUR,
            "rustfs_parity: found 1, but the loss of a server takes 2 of 8 disks, write a number from 2 to 4 for"
            " 4 servers.",
        ),
        (
            {"rustfs_parity": 2},
            FOUR[:3],
            "rustfs_parity: found 2, but the loss of a server takes 1 of 3 disks, write 1 for 3 servers.",
        ),
        (
            {"rustfs_pools": [{}, {}]},
            FOUR,
            "rustfs_pools: has two pools without disks on one server, write disks for all but the first.",
        ),
        (
            {"rustfs_pools": [{"servers": ["a", "b", "x"]}, {"servers": FOUR}]},
            FOUR,
            "rustfs_pools[0].servers: found 'x', write names of the group mlflow_object_store, which are a, b, c, d.",
        ),
        (
            {"rustfs_pools": [{"servers": ["a", "b", "d", "c"]}]},
            FOUR,
            "rustfs_pools[0].servers: found a, b, d, c, write each once and as they follow each other in the group"
            " mlflow_object_store without one between them, such as a, b, c, d.",
        ),
        (
            {"rustfs_pools": [{"servers": FOUR}]},
            EIGHT[:5],
            "rustfs_pools: has no pool with e, add one, or take that server out of the group mlflow_object_store.",
        ),
        (
            {"rustfs_pools": [{"servers": FOUR}, {"servers": ["e", "f"], "disks": folders(2)}]},
            EIGHT[:6],
            "rustfs_pools[1].servers: found 2 servers, and nothing could be written while one is lost, write at"
            " least 3.",
        ),
    ],
)
def test_bad_pools_get_one_sentence(values: dict[str, Any], servers: list[str], sentence: str) -> None:
    assert check_pools(values, servers) == [sentence]


def test_one_server_is_started_as_ever() -> None:
    alone = rustfs_layout([], [], ["a"], "a")
    assert (alone["volumes"], alone["mounts"]) == ("/data", [{"source": "../data/rustfs", "target": "/data"}])
    assert (alone["own_folder"], alone["several"], alone["name"]) == (True, False, "")
    assert rustfs_layout([], folders(1), ["a"], "a")["mounts"] == [{"source": "/srv/disk0/rustfs", "target": "/data"}]
    assert rustfs_layout([], folders(4), ["a"], "a")["volumes"] == "/data/rustfs{0...3}"
    assert alone["note"] == {}
    assert rustfs_layout([], folders(1), ["a"], "a")["note"] == {"disks": folders(1)}


def test_one_server_with_two_pools() -> None:
    grown = rustfs_layout([{"disks": folders(4)}, {"disks": folders(2, 4)}], [], ["a"], "a")
    assert grown["volumes"] == "/data/rustfs{0...3} /data/rustfs{4...5}"
    assert [mount["target"] for mount in grown["mounts"]] == [f"/disks/rustfs{number}" for number in range(6)]
    assert grown["disks"] == folders(6)


def test_each_server_of_several_has_a_name_and_the_same_volumes() -> None:
    layouts = [rustfs_layout([], [], FOUR, server) for server in FOUR]
    assert {layout["volumes"] for layout in layouts} == {"https://rustfs-{1...4}:9000/data/rustfs0"}
    assert [layout["name"] for layout in layouts] == ["rustfs-1", "rustfs-2", "rustfs-3", "rustfs-4"]
    assert layouts[3]["note"] == {"disks": [], "servers": FOUR, "pools": [{"servers": FOUR, "disks": []}]}
    assert layouts[3]["mounts"] == [{"source": "../data/rustfs", "target": "/disks/rustfs0"}]


def test_a_pool_on_more_servers() -> None:
    pools = [{"servers": EIGHT[:4], "disks": folders(1)}, {"servers": EIGHT[4:], "disks": folders(2, 7)}]
    first, last = (rustfs_layout(pools, [], EIGHT, server) for server in ("a", "h"))
    assert first["volumes"] == last["volumes"]
    assert first["volumes"].split() == [
        "https://rustfs-{1...4}:9000/data/rustfs0",
        "https://rustfs-{5...8}:9000/data/rustfs{1...2}",
    ]
    assert (first["disks"], last["disks"]) == (folders(1), folders(2, 7))
    assert [mount["target"] for mount in last["mounts"]] == ["/disks/rustfs1", "/disks/rustfs2"]


@pytest.fixture
def disks(tmp_path: Path) -> list[str]:
    """Make two disks, on the first of which there are objects."""
    for number in range(2):
        (tmp_path / f"disk{number}").mkdir()
    (tmp_path / "disk0/.rustfs.sys").mkdir()
    (tmp_path / "config").mkdir()
    return [str(tmp_path / "disk0"), str(tmp_path / "disk1")]


def note(base: Path, **noted: Any) -> None:
    (base / "config/rustfs_disks.json").write_text(json.dumps(noted), encoding="utf-8")


def problem(base: Path, servers: list[str], *pools: dict[str, Any], disks: list[str] | None = None) -> str:
    wanted = Layout(tuple(servers), tuple(parse_pools(pools, disks or [], servers)))
    return changed_layout_problem(wanted, str(base)) or ""


def test_a_pool_can_be_added_and_nothing_else_changed(tmp_path: Path, disks: list[str]) -> None:
    first, second = {"servers": FOUR, "disks": disks[:1]}, {"servers": EIGHT[4:], "disks": disks[1:]}
    note(tmp_path, disks=disks[:1], servers=FOUR, pools=[first])

    assert problem(tmp_path, FOUR, disks=disks[:1]) == ""
    assert problem(tmp_path, EIGHT, first, second) == ""
    assert problem(tmp_path, FOUR, {"disks": disks[:1]}, {"disks": disks[1:]}) == ""
    assert problem(tmp_path, FOUR, disks=disks[1:]) == (
        f"rustfs_pools: found {disks[1]} of a, b, c, d as pool 1, but the objects of this platform are on"
        f" {disks[0]} of a, b, c, d: write that one, and others only after the 1 that there are."
    )
    assert "found /" in problem(tmp_path, EIGHT, disks=disks[:1])
    assert problem(tmp_path, ["b", "a", "c", "d"], disks=disks[:1]) == (
        "mlflow_object_store: found b, a, c, d, but the objects of this platform are on a, b, c, d: write these"
        " first, in this order."
    )
    assert problem(tmp_path, ["a"], disks=disks[:1]).startswith("mlflow_object_store: found a, but")

    note(tmp_path, disks=disks, servers=EIGHT, pools=[first, second])
    assert problem(tmp_path, EIGHT, first).startswith("rustfs_pools: found nothing as pool 2, but")


def test_a_first_run_that_failed_leaves_the_choice(tmp_path: Path, disks: list[str]) -> None:
    note(tmp_path, disks=disks[1:], servers=FOUR, pools=[{"servers": FOUR, "disks": disks[1:]}])
    assert problem(tmp_path, FOUR[:3], disks=disks[:1]) == ""
    (tmp_path / "disk1").rmdir()
    assert problem(tmp_path, FOUR[:3], disks=disks[:1]).startswith("mlflow_object_store: found a, b, c, but")


def test_own_folders_of_several_servers(tmp_path: Path, disks: list[str]) -> None:
    note(tmp_path, disks=[], servers=FOUR, pools=[{"servers": FOUR, "disks": []}])
    (tmp_path / "data/rustfs/.rustfs.sys").mkdir(parents=True)
    assert problem(tmp_path, FOUR) == ""
    assert "found /" in problem(tmp_path, FOUR, disks=disks[1:])
    assert "the platform's own folder of a, b, c, d" in problem(tmp_path, FOUR, disks=disks[1:])


def test_one_server_does_not_become_several(tmp_path: Path, disks: list[str]) -> None:
    note(tmp_path, disks=disks)
    assert problem(tmp_path, ["a"], disks=disks) == ""
    assert problem(tmp_path, ["renamed"], {"disks": disks}, {"disks": ["/srv/c", "/srv/d"]}) == ""
    assert problem(tmp_path, FOUR, disks=disks) == (
        "mlflow_object_store: found 4 servers, but the objects of this platform are on one: leave it alone in"
        " the group, or bring them to another platform first, as docs/object-store.md says."
    )
    note(tmp_path, disks=disks[:1])
    assert problem(tmp_path, ["a"], {"disks": disks[:1]}, {"disks": disks[1:]}).startswith(
        "rustfs_pools: found several, but the objects of this platform are on a single disk"
    )
    note(tmp_path, disks=disks, servers=["a"], pools=[{"servers": ["a"], "disks": disks}])
    assert problem(tmp_path, ["renamed"], disks=disks) == ""
