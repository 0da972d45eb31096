# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine and its compose plugin, found through the command docker."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.docker_engine import (
    Engine,
    find_engine,
    is_loaded,
    plain_version,
    read_daemon_json,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.modules import docker_engine_info

DOCKER = """#!/bin/sh
case "$*" in
"version --format {{.Server.Version}}") echo 26.1.5+dfsg1 ;;
"compose version --short") echo v2.26.1-4 ;;
*) exit 1 ;;
esac
"""


@pytest.mark.parametrize(
    ("text", "version"),
    [("v2.26.1-4\n", "2.26.1"), ("26.1.5+dfsg1", "26.1.5"), ("Docker 5", None), ("", None)],
)
def test_plain_version(text: str, version: str | None) -> None:
    assert plain_version(text) == version


def test_no_command_means_nothing_is_asked() -> None:
    assert find_engine(None, lambda words: pytest.fail(f"asked {words}")) == Engine(None, None)


def test_engine_that_does_not_answer_and_missing_plugin() -> None:
    def run(words: Any) -> tuple[int, str, str]:
        return (0, "2.26.1\n", "") if "compose" in words else (1, "1.2.3", "Cannot connect to the Docker daemon")

    assert find_engine("/bin/docker", run) == Engine(None, "2.26.1")
    assert find_engine("/bin/docker", lambda words: (1, "", "")) == Engine(None, None)


@pytest.mark.parametrize("check", [True, False])
def test_module(
    run_module: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    (tmp_path / "daemon.json").write_text('{"live-restore": true}')
    args = {"daemon_json": str(tmp_path / "daemon.json"), "python_modules": ["json", "no_such_module"]}

    result = run_module(docker_engine_info.main, args, check=check)

    assert (result["engine_version"], result["compose_version"]) == ("26.1.5", "2.26.1")
    assert result["daemon"] == {"live-restore": True}
    assert result["missing_python_modules"] == ["no_such_module"]
    assert result["changed"] is False


@pytest.mark.parametrize(("text", "settings"), [("{}", {}), (" \n", {}), ('{"debug": true}', {"debug": True})])
def test_settings_are_read(tmp_path: Path, text: str, settings: dict[str, Any]) -> None:
    (tmp_path / "daemon.json").write_text(text)
    assert read_daemon_json(tmp_path / "daemon.json") == settings
    assert read_daemon_json(tmp_path / "none.json") is None


@pytest.mark.parametrize("text", ["{", "[]", '"a"'])
def test_settings_that_cannot_be_kept_are_refused(
    run_module: Callable[..., dict[str, Any]], tmp_path: Path, text: str
) -> None:
    (tmp_path / "daemon.json").write_text(text)
    with pytest.raises(InputError, match="correct it or move it away"):
        read_daemon_json(tmp_path / "daemon.json")
    result = run_module(docker_engine_info.main, {"daemon_json": str(tmp_path / "daemon.json")})
    assert "correct it or move it away" in result["msg"]


def test_engine_that_is_older_than_its_settings_has_not_loaded_them(tmp_path: Path) -> None:
    settings, process = tmp_path / "daemon.json", tmp_path / "docker.pid"
    assert is_loaded(settings, process)
    settings.touch()
    assert is_loaded(settings, process), "no engine runs"
    process.touch()
    os.utime(settings, (100, 100))
    assert is_loaded(settings, process)
    os.utime(process, (50, 50))
    assert not is_loaded(settings, process)
