# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a platform, from recorded answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import status_server, status_services
from ansible_collections.onprem.mlflow.plugins.module_utils.status_report import problems_of, table
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import Service

LIMITS = {"disk_percent": 85, "disk_days": 14, "certificate_days": 14, "backup_hours": 30}
GIB = 1 << 30


def inspected(
    name: str = "mysql", state: str = "running", test: Sequence[str] = ("CMD-SHELL", "ping")
) -> dict[str, Any]:
    return {
        "Name": f"/mlflow-{name}-1",
        "Image": f"sha256:{name}",
        "Config": {
            "Labels": {"com.docker.compose.service": name},
            "Image": "registry.example.org:5000/mysql:9.7",
            "Healthcheck": {"Test": list(test)},
        },
        "State": {"Status": state, "StartedAt": "2026-01-01T10:00:00.1Z"},
        "RestartCount": 2,
    }


def answer(*pairs: tuple[str, int, str]) -> status_services.Ask:
    """Answer a command by the first pair whose words are in it."""

    def ask(words: Sequence[str]) -> tuple[int, str]:
        line = " ".join(words)
        return next(((status, text) for part, status, text in pairs if part in line), (1, "unexpected"))

    return ask


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (["CMD", "a", "b"], ("a", "b")),
        (["CMD-SHELL", "a && b"], ("/bin/sh", "-c", "a && b")),
        (["NONE"], ()),
        ([], ()),
    ],
)
def test_a_check_as_it_is_run(test: list[str], words: tuple[str, ...]) -> None:
    assert status_services.check_of({"Test": test}) == words


def test_services_in_the_order_of_their_names() -> None:
    ask = answer(("docker ps", 0, "1\n2"), ("docker inspect", 0, json.dumps([inspected("nginx"), inspected("mlflow")])))
    assert [service.name for service in status_services.services_of("mlflow", ask)] == ["mlflow", "nginx"]
    assert status_services.services_of("mlflow", answer(("docker ps", 0, ""))) == []


@pytest.mark.parametrize(
    ("state", "told", "problem"),
    [
        ("running", (0, ""), ""),
        ("running", (1, "ERROR 2003:\n no\tserver"), "ERROR 2003: no server"),
        ("running", (7, ""), "its check ends with status 7"),
        ("exited", (0, ""), "is exited"),
    ],
)
def test_health_is_what_it_is_now(state: str, told: tuple[int, str], problem: str) -> None:
    service = Service.parse(inspected(state=state))
    assert status_services.health(service, answer(("docker exec", *told))) == problem


def test_versions() -> None:
    service = Service.parse(inspected("mysql"))
    assert status_services.version(service, answer(("mysqld", 0, "mysqld  Ver 9.7.4 for Linux"))) == "9.7.4"
    assert status_services.version(service, answer(("mysqld", 1, ""))) == "9.7"
    second = Service.parse(inspected("mlflow-2"))
    assert status_services.version(second, answer(("importlib", 0, "3.17.2"))) == "3.17.2"


def test_growth_since_the_oldest_measurement() -> None:
    day = status_server.DAY
    history = [{"time": 0.0, "used": {"/a": 100}}, {"time": day, "used": {"/a": 150}}]
    assert status_server.grown(history, "/a", 300, 2 * day) == 100
    assert status_server.grown(history, "/b", 300, 2 * day) is None
    assert status_server.grown([{"time": 2 * day - 60, "used": {"/a": 1}}], "/a", 300, 2 * day) is None


def test_one_measurement_a_day_for_a_month() -> None:
    day = status_server.DAY
    history: list[dict[str, Any]] = []
    for number in range(400):
        history = status_server.remembered(history, {"/a": number}, number * day / 10)
    assert len(history) == status_server.HISTORY_DAYS
    assert history[-1]["used"] == {"/a": 390}


def test_a_disk_that_fills() -> None:
    disk = status_server.Disk(("/a",), 80 * GIB, 20 * GIB, 2.0 * GIB)
    assert (disk.used_percent, disk.days_left) == (80.0, 10.0)
    assert status_server.Disk(("/a",), 100, 20, -5.0).days_left is None
    assert status_server.Disk(("/a",), 100, 20).days_left is None


def test_last_backup(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    assert status_server.last_backup(path, 0) is None
    good = {"started": "1970-01-01T01:00:00+00:00", "snapshot": "abcdef0123", "checked": True, "objects": 7, "ok": True}
    path.write_text(json.dumps({"last": {"ok": False, "error": "The disk is full."}, "good": good}))
    assert status_server.last_backup(path, 3 * 3600) == status_server.LastBackup(
        "abcdef01", 2.0, True, 7, "The disk is full."
    )
    path.write_text(json.dumps({"last": {"ok": False, "error": "x"}}))
    first = status_server.last_backup(path, 0)
    assert first is not None
    assert first.snapshot == ""


def state(**more: Any) -> dict[str, Any]:
    return {
        "services": [
            {
                "name": "mlflow",
                "state": "running",
                "version": "3.17.2",
                "since": "2026-01-01T10:00:00.1Z",
                "restarts": 0,
                "problem": "",
            }
        ],
        "missing": [],
        "checks": [{"name": "bucket mlflow", "answer": "is there", "problem": ""}],
        "disks": [
            {
                "paths": ["/opt/mlflow"],
                "used": 50 * GIB,
                "free": 50 * GIB,
                "growth": None,
                "used_percent": 50.0,
                "days_left": None,
            }
        ],
        "certificates": [{"path": "/c.pem", "names": ["mlflow.lab"], "days": 80.0}],
        "timers": [{"unit": "mlflow-backup.timer", "active": True, "result": "success"}],
        "backs_up": True,
        "backup": {"snapshot": "abcdef01", "hours": 3.0, "checked": True, "objects": 7, "error": ""},
        **more,
    }


def test_in_order() -> None:
    assert problems_of(state(), LIMITS) == []
    assert problems_of(state(backs_up=False, backup=None), LIMITS) == []
    lines = table("one", {**state(), "problems": []})
    assert lines[0] == "one: in order"
    assert any(line.split()[:3] == ["mlflow", "works", "3.17.2"] for line in lines)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"missing": ["nginx"]}, "nginx: has no container, run site.yml."),
        ({"checks": [{"name": "bucket b", "answer": "", "problem": "is gone"}]}, "bucket b: is gone."),
        (
            {"certificates": [{"path": "/c.pem", "names": ["a", "b"], "days": 3.5}]},
            "certificate of a, b: ends in 3.5 days (/c.pem).",
        ),
        (
            {"timers": [{"unit": "m-x.timer", "active": False, "result": "success"}]},
            "m-x.timer: does not run, run site.yml.",
        ),
        (
            {"timers": [{"unit": "m-x.timer", "active": True, "result": "exit-code"}]},
            "m-x.service: failed (exit-code), see journalctl",
        ),
        ({"backup": None}, "backup: there is none yet, run backup.yml."),
    ],
)
def test_to_be_looked_at(more: dict[str, Any], said: str) -> None:
    (problem,) = problems_of(state(**more), LIMITS)
    assert problem.startswith(said)
    assert table("one", {**state(**more), "problems": [problem]})[:2] == ["one: 1 to look at", f"  ! {problem}"]


def test_a_backup_that_is_old_unchecked_and_failed() -> None:
    backup = {"snapshot": "abcdef01", "hours": 31.0, "checked": False, "objects": 7, "error": "The disk is full."}
    assert problems_of(state(backup=backup), LIMITS) == [
        "backup: the last good one is 31.0 hours old.",
        "backup: abcdef01 was not checked.",
        "backup: the last one failed: The disk is full.",
    ]


@pytest.mark.parametrize(
    ("percent", "days", "count"), [(84.9, None, 0), (85.0, None, 1), (50.0, 13.9, 1), (50.0, 14.0, 0)]
)
def test_disks(percent: float, days: float | None, count: int) -> None:
    disk = {"paths": ["/a"], "used": 1, "free": 1, "growth": None, "used_percent": percent, "days_left": days}
    assert len(problems_of(state(disks=[disk]), LIMITS)) == count
