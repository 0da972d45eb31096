# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input of container_twin, and a host without an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import docker_api
from ansible_collections.onprem.mlflow.plugins.modules import container_twin

RunModule = Callable[..., dict[str, Any]]


def test_a_host_without_an_engine_is_a_sentence(run_module: RunModule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_api.Docker.__init__, "__defaults__", ("/nowhere/docker.sock",))
    result = run_module(container_twin.main, {"name": "twin", "state": "absent"})

    assert result["failed"]
    assert result["msg"].startswith("/nowhere/docker.sock: ")


def test_a_twin_is_of_something(run_module: RunModule) -> None:
    result = run_module(container_twin.main, {"name": "twin"})

    assert result["msg"] == "state is started but all of the following are missing: of, networks"
