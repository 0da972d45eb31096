"""The platform goes, and what it leaves only where that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..conftest import PROJECT
from ..logged import Logged, Store

if TYPE_CHECKING:
    from pathlib import Path

    from testinfra.host import Host

    from ..conftest import Platform

OFF = "playbooks/uninstall.yml"
ALL = ["images", "configuration", "secrets", "backups", "data"]


def test_what_is_not_well_named_is_refused(platform: Platform, server: Host) -> None:
    running = server.check_output("docker ps --quiet")
    refused = platform.play(OFF, uninstall_remove=["secrets"])
    assert "uninstall_remove: found secrets without data" in refused.message
    refused = platform.play(OFF, uninstall_remove=ALL)
    assert "uninstall_confirm: found ''" in refused.message
    refused = platform.play(OFF, uninstall_remove=ALL, uninstall_confirm="mlflow2")
    assert "uninstall_confirm: found 'mlflow2'" in refused.message
    platform.play(OFF, check=True).assert_ok()
    assert server.check_output("docker ps --quiet") == running


def test_site_goes_on_with_what_was_kept(
    platform: Platform, server: Host, store: Store, logged: Logged, tmp_path: Path
) -> None:
    password = platform.password("admin")
    platform.play(OFF, uninstall_remove=["images", "configuration"]).assert_ok()
    assert server.check_output("docker ps --all --quiet") == ""
    assert server.check_output("docker images --quiet --filter reference=onprem/mlflow") == ""
    assert sorted(server.check_output("ls %s", PROJECT).split()) == ["backups", "data", "secrets"]
    assert server.run("systemctl list-unit-files --no-legend 'mlflow-*'").stdout == ""
    again = platform.play(OFF)
    again.assert_ok()
    assert again.changed == []

    platform.site().assert_ok()
    assert platform.password("admin") == password
    Store(platform, password).assert_holds(logged, tmp_path)


def test_nothing_is_left_where_all_is_named(platform: Platform, server: Host) -> None:
    result = platform.play(OFF, uninstall_remove=ALL, uninstall_confirm="mlflow")
    result.assert_ok()
    assert "Nothing of it is left." in result.output
    assert not server.file(PROJECT).exists
    left = set(server.check_output("docker images --format '{{.Repository}}'").split())
    assert left.isdisjoint({"mysql", "nginx", "onprem/mlflow", "rustfs/rustfs"})
