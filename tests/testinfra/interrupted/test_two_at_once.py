"""Two runs never work on one server at once: the second ends with a sentence, and the first goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..conftest import RUN

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult

# As another controller has left it.
ANOTHER: dict[str, Any] = {
    "id": "5eed",
    "controller": "another",
    "host": "laptop",
    "pid": 4711,
    "started": "1 boot",
    "playbook": "site.yml",
    "user": "anna",
    "since": "2026-11-28 21:17:51 UTC",
}
CHANGE: dict[str, Any] = {"nginx_timeout": 777}


def runs(platform: Platform, **variables: Any) -> list[PlayResult]:
    """A run of each sort: one that begins with checks, a check alone, and one that begins at once."""
    return [
        platform.site(**CHANGE, **variables),
        platform.site(check=True, **variables),
        platform.play("playbooks/housekeeping.yml", **variables),
    ]


def test_the_second_ends_with_a_sentence(platform: Platform) -> None:
    refused: list[PlayResult] = []
    held: list[str] = []

    def meanwhile() -> None:
        held.append(platform.host.file(RUN).content_string)
        refused.extend(runs(platform))
        held.append(platform.host.file(RUN).content_string)

    printed = platform.play_meanwhile("site.yml", "Write the project's files", meanwhile)

    assert held[0] == held[1]
    process = json.loads(held[0])["pid"]
    for run in refused:
        assert run.returncode != 0
        assert f"(process {process}) is at work on {platform.name} since" in run.message
        assert "wait for its end." in run.message
        assert run.changed == []
    recap = printed.rpartition("PLAY RECAP")[2]
    assert "failed=0" in recap, printed[-4000:]
    assert "unreachable=0" in recap
    assert not platform.host.file(RUN).exists
    assert "777s" not in platform.host.file("/opt/mlflow/config/nginx/nginx.conf").content_string


def test_of_another_controller_only_people_know(platform: Platform) -> None:
    platform.write(RUN, json.dumps(ANOTHER))
    for run in runs(platform, mlflow_platform_ended_run="other"):
        assert f"site.yml of anna on laptop (process 4711) is at work on {platform.name} since" in run.message
        assert "write the extra variable mlflow_platform_ended_run=5eed." in run.message
        assert run.changed == []
    assert json.loads(platform.host.file(RUN).content_string) == ANOTHER

    platform.site(mlflow_platform_ended_run=ANOTHER["id"]).assert_ok()
    assert not platform.host.file(RUN).exists
