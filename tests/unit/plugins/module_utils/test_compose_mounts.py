# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders that went away under a container, with links in the place of what a container sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.compose_mounts import lost_folders


class Server:
    """A server with a folder, and a container that is started and sees it."""

    def __init__(self, path: Path) -> None:
        self.folder = path / "config"
        self.proc = path / "proc"
        self.seen = path / "seen"
        self.folder.mkdir()
        (self.proc / "7" / "root" / "etc").mkdir(parents=True)
        (self.proc / "7" / "root" / "etc" / "service").symlink_to(self.seen)

    def start(self) -> None:
        """Mount the folder as it is now."""
        self.seen.symlink_to(self.folder)

    def lost(self, **changes: Any) -> list[str]:
        mount = {"Type": "bind", "Source": str(self.folder), "Destination": "/etc/service", "RW": False, **changes}
        return lost_folders({"State": {"Pid": 7}, "Mounts": [mount]}, self.proc)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    made = Server(tmp_path)
    made.start()
    return made


def test_folder_that_is_the_same_is_not_lost(server: Server) -> None:
    assert server.lost() == []


def move_away(server: Server) -> None:
    """What is mounted stays what it was, under whatever name."""
    server.folder.rename(server.folder.with_name("moved"))
    server.seen.unlink()
    server.seen.symlink_to(server.folder.with_name("moved"))


def test_folder_that_is_gone_is_lost(server: Server) -> None:
    move_away(server)
    assert server.lost() == [str(server.folder)]


def test_folder_that_was_made_anew_is_lost(server: Server) -> None:
    move_away(server)
    server.folder.mkdir()
    assert server.lost() == [str(server.folder)]


def test_folder_that_was_emptied_is_there(server: Server) -> None:
    (server.folder / "file").touch()
    (server.folder / "file").unlink()
    assert server.lost() == []


@pytest.mark.parametrize("changes", [{"RW": True}, {"Type": "volume"}, {"Destination": "/etc/other"}])
def test_data_volumes_and_what_cannot_be_seen_are_passed_over(server: Server, changes: dict[str, Any]) -> None:
    move_away(server)
    assert server.lost(**changes) == []


def test_single_file_is_passed_over(server: Server) -> None:
    server.folder.rmdir()
    server.folder.touch()
    move_away(server)
    assert server.lost() == []


@pytest.mark.parametrize("container", [{"State": {"Pid": 0}, "Mounts": []}, {"State": {}}])
def test_container_that_does_not_run_sees_nothing(container: dict[str, Any]) -> None:
    assert lost_folders(container) == []
