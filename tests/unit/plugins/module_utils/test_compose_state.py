# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs, judged by what `docker inspect` and `docker compose config --hash` say."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import compose_state
from ansible_collections.onprem.mlflow.plugins.module_utils.compose_state import (
    Project,
    find_services,
    judge,
    read_project,
)
from ansible_collections.onprem.mlflow.plugins.modules import compose_project_info

MYSQL = {
    "Image": "sha256:aa",
    "State": {"Status": "running", "Health": {"Status": "healthy"}},
    "Config": {
        "Image": "mysql:9.7",
        "Labels": {
            "com.docker.compose.service": "mysql",
            "com.docker.compose.oneoff": "False",
            "com.docker.compose.container-number": "1",
            "com.docker.compose.config-hash": "h1",
        },
    },
    "NetworkSettings": {"Networks": {"mlflow_back": {"IPAddress": "172.18.0.2"}}},
}


def changed(**changes: Any) -> dict[str, Any]:
    """Return the container with other values: a path with `__` between its parts."""
    container: dict[str, Any] = copy.deepcopy(MYSQL)
    for path, value in changes.items():
        *parts, last = path.split("__")
        place = container
        for part in parts:
            place = place[part]
        place[last] = value
    return container


def is_current(container: dict[str, Any]) -> bool:
    return judge([container], {"mysql": "h1"}, {"mysql:9.7": "sha256:aa"})["mysql"].current


def test_service_that_runs_as_written_is_current() -> None:
    service = judge([MYSQL], {"mysql": "h1"}, {"mysql:9.7": "sha256:aa"})["mysql"]
    assert service.current
    assert service.addresses == {"mlflow_back": "172.18.0.2"}


@pytest.mark.parametrize(("status", "restarting"), [("running", False), ("exited", False), ("restarting", True)])
def test_one_that_ends_again_and_again_is_known(status: str, restarting: bool) -> None:
    assert judge([changed(State__Status=status)], {}, {})["mysql"].restarting is restarting


def test_container_without_a_health_check_is_as_good_as_a_healthy_one() -> None:
    assert is_current(changed(State={"Status": "running"}))


@pytest.mark.parametrize(
    "container",
    [
        changed(State__Status="exited"),
        changed(State__Status="restarting"),
        changed(State__Health={"Status": "unhealthy"}),
        changed(State__Health={"Status": "starting"}),
        changed(Image="sha256:bb"),
        changed(Config__Labels={**MYSQL["Config"]["Labels"], "com.docker.compose.config-hash": "h2"}),  # type: ignore[index]
    ],
)
def test_what_compose_would_replace_or_start_is_not_current(container: dict[str, Any]) -> None:
    assert not is_current(container)


def test_container_that_sees_a_folder_that_is_gone_is_not_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = str(tmp_path / "gone")
    monkeypatch.setattr(compose_state, "lost_folders", lambda container: [gone])
    service = judge([MYSQL], {"mysql": "h1"}, {"mysql:9.7": "sha256:aa"})["mysql"]
    assert (service.current, service.lost_folders) == (False, [gone])


def test_project_that_compose_refuses_has_no_current_services() -> None:
    assert not judge([MYSQL], {}, {"mysql:9.7": "sha256:aa"})["mysql"].current


@pytest.mark.parametrize("label", [{"oneoff": "True"}, {"container-number": "2"}])
def test_one_shot_and_second_containers_are_passed_over(label: dict[str, str]) -> None:
    labels = {**MYSQL["Config"]["Labels"], **{f"com.docker.compose.{key}": value for key, value in label.items()}}  # type: ignore[index]
    assert judge([changed(Config__Labels=labels)], {}, {}) == {}


def test_services_are_asked_for_in_four_questions() -> None:
    asked = []

    def run(words: Sequence[str]) -> tuple[int, str, str]:
        asked.append(words[1])
        answers = {"ps": "id1\n", "inspect": json.dumps([MYSQL]), "image": "sha256:aa\n", "compose": "mysql h1\n"}
        return 0, answers[words[1]], ""

    services = find_services("docker", "/opt/mlflow", "mlflow", run)

    assert services["mysql"]["current"] is True
    assert asked == ["ps", "inspect", "image", "compose"]


def test_engine_that_does_not_answer_has_no_services() -> None:
    assert find_services("docker", "/opt/mlflow", "mlflow", lambda words: (1, "", "Cannot connect")) == {}


def test_compose_file_is_read() -> None:
    text = "name: lab\ninclude:\n  - services/networks.yml\n  - services/mysql.yml\n  - /srv/own.yml\n"
    assert read_project(text) == Project("lab", ["networks", "mysql"])
    assert read_project("") == Project(None, [])


def test_module_finds_nothing_where_there_is_nothing(
    run_module: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run_module(compose_project_info.main, {"project_dir": str(tmp_path), "project_name": "lab"})
    assert (result["name"], result["fragments"], result["services"]) == (None, [], {})


@pytest.mark.parametrize("on", [True, False])
def test_selinux_is_on_where_the_kernel_has_its_files(
    run_module: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: bool
) -> None:
    enforce = tmp_path / "enforce"
    if on:
        # Permissive, which is on.
        enforce.write_text("0", encoding="utf-8")
    monkeypatch.setattr(compose_project_info, "SELINUX", enforce)
    result = run_module(compose_project_info.main, {"project_dir": str(tmp_path), "project_name": "lab"})
    assert result["selinux"] is on
