# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the platform tells of itself as metrics, and options that could not work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import monitoring_collect, monitoring_requests
from ansible_collections.onprem.mlflow.plugins.module_utils.monitoring_check import check_monitoring
from ansible_collections.onprem.mlflow.plugins.module_utils.monitoring_requests import CLASSES, Counted, count_on
from ansible_collections.onprem.mlflow.plugins.module_utils.monitoring_text import Family, exposition
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import Service

# As the role nginx has them logged.
COMBINED = '172.20.0.1 - admin [28/Nov/2026:21:00:00 +0000] "GET /api/2.0 HTTP/1.1" {} 532 "-" "curl/8"'
JSON = '{{"time":"2026-11-28T21:00:00+00:00","user":"admin","uri":"/x?\\"status\\":500","status":{},"seconds":0.1}}'


@pytest.mark.parametrize("line", [COMBINED, JSON])
@pytest.mark.parametrize(("status", "wanted"), [(200, "2xx"), (308, "3xx"), (499, "4xx"), (502, "5xx"), (101, None)])
def test_the_class_of_an_answer(line: str, status: int, wanted: str | None) -> None:
    assert monitoring_requests.status_class(line.format(status)) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026/11/28 21:00:00 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream",
        "{",
        '{"status": null}',
        '["status"]',
    ],
)
def test_other_lines_are_no_answers(line: str) -> None:
    assert monitoring_requests.status_class(line) is None


def test_a_request_that_looks_like_an_answer_is_none() -> None:
    """Quotes are escaped by nginx."""
    line = COMBINED.format(200).replace("GET /api/2.0", r"GET /] \x22a\x22 500 1 \x22")
    assert monitoring_requests.status_class(line) == "2xx"


def test_counting_goes_on_where_it_ended() -> None:
    asked: list[Sequence[str]] = []

    def ask(words: Sequence[str]) -> tuple[int, str]:
        asked.append(words)
        return 0, "\n".join([COMBINED.format(200), COMBINED.format(502), "noise"])

    first = count_on(None, ["mlflow-nginx-1"], 1000.7, ask)
    assert (first.until, set(first.answers.values()), asked) == (998, {0}, [])
    second = count_on(first, ["mlflow-nginx-1"], 1060.2, ask)
    assert asked == [["docker", "logs", "--since=998", "--until=1058", "mlflow-nginx-1"]]
    assert second == Counted(1058, {"2xx": 1, "3xx": 0, "4xx": 0, "5xx": 1})
    third = count_on(second, ["mlflow-nginx-1"], 1120.0, ask)
    assert third.answers["5xx"] == 2


def test_counting_waits_where_the_log_is_not_to_be_had() -> None:
    before = Counted(998, dict.fromkeys(CLASSES, 3))
    assert count_on(before, ["mlflow-nginx-1"], 1060, lambda _words: (1, "no such container")) == before


def test_counting_does_not_go_back_for_days_nor_in_time() -> None:
    def ask(words: Sequence[str]) -> tuple[int, str]:
        assert "--since=96398" in words
        return 0, ""

    assert count_on(Counted(5, {}), ["a"], 100000, ask).until == 99998
    assert count_on(Counted(200000, {}), ["a"], 100000, ask).until == 200000


def test_text_as_prometheus_reads_it() -> None:
    text = exposition(
        [
            Family("a", "Help.", [({"name": 'x"\\\n'}, 0.5), ({"name": "y"}, 1e15)]),
            Family("none", "Nothing.", []),
            Family("b_total", "Help.", [({}, 3.0)], "counter"),
        ]
    )
    assert text.splitlines() == [
        "# HELP onprem_mlflow_a Help.",
        "# TYPE onprem_mlflow_a gauge",
        r'onprem_mlflow_a{name="x\"\\\n"} 0.5',
        'onprem_mlflow_a{name="y"} 1e+15',
        "# HELP onprem_mlflow_b_total Help.",
        "# TYPE onprem_mlflow_b_total counter",
        "onprem_mlflow_b_total 3",
    ]


def service(name: str, state: str = "running", checked: str = "") -> Service:
    return Service(name, f"mlflow-{name}-1", "image", "sha256:1", state, "", 2, (), {}, checked)


def test_a_service_works_or_does_not() -> None:
    found = [
        service("mysql", checked="healthy"),
        service("mlflow", checked="unhealthy"),
        service("node-exporter"),
        service("nginx", "exited"),
    ]
    works, restarts = monitoring_collect.families_of_services(found, ["mysql", "rustfs"])
    told = {labels["service"]: value for labels, value in works.samples}
    assert told == {"mysql": 1, "rustfs": 0, "mlflow": 0, "node-exporter": 1, "nginx": 0}
    assert {value for _labels, value in restarts.samples} == {2}


def test_an_empty_folder_is_no_disk_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "whole" / monitoring_collect.IDENTITY).parent.mkdir(parents=True)
    (tmp_path / "whole" / monitoring_collect.IDENTITY).write_text("{}")
    (tmp_path / "empty").mkdir()
    (works,) = monitoring_collect.families_of_store([str(tmp_path / name) for name in ("whole", "empty", "none")])
    assert [value for _labels, value in works.samples] == [1, 0, 0]


def told_of_backups(folder: Path, now: float = 0) -> dict[str, float]:
    families = monitoring_collect.families_of_backups(folder, now)
    return {family.name: family.samples[0][1] for family in families}


def test_backups_are_told_where_there_are_to_be_some(tmp_path: Path) -> None:
    assert told_of_backups(tmp_path) == {}
    (tmp_path / "config/backup").mkdir(parents=True)
    (tmp_path / "config/backup/settings.json").write_text("{}")
    assert told_of_backups(tmp_path) == {"backup_there": 0}
    (tmp_path / "backups").mkdir()
    failed = {"last": {"ok": False, "error": "full"}}
    (tmp_path / "backups/last.json").write_text(json.dumps(failed))
    assert told_of_backups(tmp_path) == {"backup_there": 0, "backup_failed": 1}
    good = {"good": {"started": "1970-01-01T00:00:00+00:00", "snapshot": "abc", "checked": True, "objects": 7}}
    (tmp_path / "backups/last.json").write_text(json.dumps({**good, "last": {"ok": True}}))
    assert told_of_backups(tmp_path, 7200) == {
        "backup_there": 1,
        "backup_failed": 0,
        "backup_age_hours": 2,
        "backup_checked": 1,
        "backup_objects": 7,
    }


def host(**more: Any) -> dict[str, Any]:
    return {"nginx_virtual_hosts": [{"host_names": ["a"], "port": 80, **more}]}


USERS = [{"name": "admin"}]


@pytest.mark.parametrize(
    "good",
    [
        {},
        host(users=USERS),
        {"mlflow_platform_monitoring": True, **host(service="prometheus", users=USERS)},
        {"monitoring_enabled": True, **host(service="grafana")},
        {"monitoring_scrape_seconds": 5, "monitoring_retention_size": "5GB", "monitoring_alertmanagers": ["a.b:9093"]},
    ],
)
def test_good(good: dict[str, Any]) -> None:
    assert check_monitoring(good) == []


ON = {"mlflow_platform_monitoring": True}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"monitoring_scrape_seconds": 1}, "monitoring_scrape_seconds: found 1, write a number from 5 to 300."),
        ({"monitoring_error_percent": 0}, "monitoring_error_percent: found 0, write a number from 1 to 100."),
        ({"monitoring_retention_size": "5G"}, "monitoring_retention_size: found '5G', write a size such as 5GB"),
        ({"monitoring_alertmanagers": ["http://a"]}, "monitoring_alertmanagers: found 'http://a', write host and port"),
        (host(service="prometheus", users=USERS), "found 'prometheus', which does not run"),
        (host(service="grafana"), "or write mlflow_platform_monitoring: true and monitoring_grafana: true."),
        ({**ON, "monitoring_grafana": False, **host(service="grafana")}, "found 'grafana', which does not run"),
        ({**ON, **host(service="prometheus")}, "nginx_virtual_hosts[0].users: is missing or empty, but Prometheus"),
        ({**ON, **host(service="grafana", users=USERS)}, "nginx_virtual_hosts[0].users: Grafana asks for its own"),
    ],
)
def test_bad(bad: dict[str, Any], said: str) -> None:
    (problem,) = check_monitoring(bad)
    assert said in problem
