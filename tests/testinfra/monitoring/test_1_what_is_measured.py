"""Every target answers, every rule and every panel has what it asks for, and nobody reads it who shall not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..conftest import PROJECT, ROOT, eventually
from .conftest import WATCHES, Prometheus

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform

DASHBOARDS = ROOT / "roles/monitoring/files/dashboards"
SSH = 22
# Where nothing is wrong there is nothing to show, and a lab's kernel need not tell all.
WITHOUT_DATA = ("ALERTS{", "node_pressure_", "node_disk_")
INSTALLED = ("platform", "server", "mysql", "object_store")


def expressions(names: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            found += [(path.stem, target["expr"]) for target in panel["targets"] if path.stem in names]
    return found


def test_every_target_is_up(platform: Platform, prometheus: Prometheus) -> None:
    assert eventually(lambda: set(prometheus.targets().values()) == {"up"}, 120), prometheus.targets()
    assert set(prometheus.targets()) == {"prometheus", "server", "proxy", "database", "mlflow"}


def test_the_platform_tells_its_state(platform: Platform, prometheus: Prometheus) -> None:
    assert eventually(lambda: prometheus.value("onprem_mlflow_collected_timestamp_seconds") is not None, 120)
    works = {item["metric"]["service"] for item in prometheus.query("onprem_mlflow_service_works == 1")}
    assert works == {*platform.services, *WATCHES}
    timers = {item["metric"]["timer"] for item in prometheus.query("onprem_mlflow_timer_runs == 1")}
    assert timers == {"mlflow-backup.timer", "mlflow-housekeeping.timer", "mlflow-monitoring.timer"}


def test_a_backup_is_missed_until_there_is_one(platform: Platform, prometheus: Prometheus) -> None:
    assert eventually(lambda: prometheus.raised().get("BackupMissing") == "pending", 120), prometheus.raised()
    platform.play("playbooks/backup.yml").assert_ok()
    assert eventually(lambda: "BackupMissing" not in prometheus.raised(), 120)
    assert prometheus.value("onprem_mlflow_backup_checked") == 1


def test_the_certificates_are_told(prometheus: Prometheus) -> None:
    named = {item["metric"]["names"] for item in prometheus.query("onprem_mlflow_certificate_days > 14")}
    assert "prometheus.lab" in named


def test_the_object_store_sends_its_metrics(prometheus: Prometheus) -> None:
    """It is not asked: that they are there is that they were received."""
    assert eventually(lambda: prometheus.value("max(rustfs_cluster_health_drives_count)") == 4, 180)
    assert prometheus.value("max(rustfs_cluster_erasure_set_parity)") == 2


def test_requests_are_counted(platform: Platform, prometheus: Prometheus) -> None:
    """By nginx's log, and by MLflow: those of all its workers, whichever of them is asked."""
    before = prometheus.value('onprem_mlflow_requests_total{class="2xx"}')
    counted = 'sum(mlflow_http_request_total{status="200"})'
    assert before is not None
    assert eventually(lambda: prometheus.value(counted) is not None, 60)
    mlflow = prometheus.value(counted) or 0
    password = platform.password("admin")
    assert [platform.login_status("admin", password) for _ in range(40)] == [200] * 40
    wanted = before + 40
    assert eventually(lambda: (prometheus.value('onprem_mlflow_requests_total{class="2xx"}') or 0) >= wanted, 150)
    assert eventually(lambda: (prometheus.value(counted) or 0) >= mlflow + 40, 60), prometheus.value(counted)
    answers = {prometheus.value(counted) for _ in range(6)}
    assert None not in answers
    assert eventually(lambda: (prometheus.value("rate(onprem_mlflow_requests_total[5m])") or 0) > 0, 150)


def test_every_panel_has_data(prometheus: Prometheus) -> None:
    def empty() -> list[tuple[str, str]]:
        asked = [item for item in expressions(INSTALLED) if not any(word in item[1] for word in WITHOUT_DATA)]
        assert len(asked) > 30
        return [item for item in asked if not prometheus.query(item[1])]

    assert eventually(lambda: not empty(), 240), empty()


def test_every_expression_is_read_by_prometheus(prometheus: Prometheus) -> None:
    """Also those of services that this platform has not."""
    every = tuple(path.stem for path in DASHBOARDS.glob("*.json"))
    for _name, expression in expressions(every):
        prometheus.query(expression)


def test_every_rule_is_evaluated_and_none_is_raised(prometheus: Prometheus) -> None:
    groups = prometheus.get("/api/v1/rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 12
    assert {rule["health"] for rule in rules} == {"ok"}, rules
    assert prometheus.raised() == {}


@pytest.mark.parametrize("login", [None, ("watcher", "wrong"), ("admin", "")])
def test_nobody_else_reads_it(platform: Platform, prometheus: Prometheus, login: tuple[str, str] | None) -> None:
    name = None if login is None else (login[0], login[1] or platform.password("admin"))
    assert prometheus.ask("/api/v1/query?query=up", name).status == 401


def test_a_password_of_prometheus_is_none_of_mlflow(platform: Platform) -> None:
    assert platform.login_status("watcher", platform.password("watcher")) == 401


def test_nothing_but_the_front_door_listens(platform: Platform, server: Host) -> None:
    assert all(not platform.container(service)["HostConfig"]["PortBindings"] for service in WATCHES)
    places = [line.split()[3].rpartition(":") for line in server.check_output("ss -Hltn").splitlines()]
    assert {int(port) for address, _, port in places if not address.startswith("127.")} - {SSH} == {15000, 15443}
    assert not {int(port) for _, _, port in places} & {9090, 9100, 9104, 9113, 9187, 3000}


def test_what_watches_is_confined(platform: Platform, server: Host) -> None:
    for service in WATCHES:
        settings = platform.container(service)
        host = settings["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert settings["Config"]["User"] == "10012:10012", service
        assert set(settings["NetworkSettings"]["Networks"]) == {"mlflow_back"}, service
        assert not [mount for mount in settings["Mounts"] if "docker.sock" in mount["Source"]], service
    refused = server.run("docker exec mlflow-node-exporter-1 cat /host/proc/1/environ")
    assert refused.rc != 0


def test_the_exporters_user_sees_no_run(platform: Platform, server: Host) -> None:
    options = platform.secret("monitoring_mysqld_exporter").replace("host=mysql", "host=127.0.0.1")
    platform.write("/run/exporter.cnf", options)
    client = "docker exec --interactive mlflow-mysql-1 mysql --defaults-file=/dev/stdin --batch"
    command = f"{client} --execute=%s < /run/exporter.cnf"
    assert server.run(command, "SELECT VARIABLE_VALUE FROM performance_schema.global_status LIMIT 1").rc == 0
    for statement in ("SELECT * FROM mlflow.runs", "SELECT * FROM mysql.user", "CREATE DATABASE other"):
        refused = server.run(command, statement)
        assert refused.rc != 0, statement
        assert "denied" in refused.stderr, refused.stderr
    server.check_output("rm /run/exporter.cnf")


def test_secrets_of_what_watches_are_nowhere_else(platform: Platform, server: Host) -> None:
    secret = platform.secret("monitoring_database_password")
    assert secret in platform.secret("monitoring_mysqld_exporter")
    listing = server.check_output("stat --format '%%a %%u' %s/secrets/monitoring_*", PROJECT)
    assert set(listing.splitlines()) == {"600 10012"}
    shown = [server.check_output("docker inspect %s", f"mlflow-{service}-1") for service in WATCHES]
    shown += [server.run("docker logs %s", f"mlflow-{service}-1").stdout for service in (*WATCHES, "mysql")]
    shown += [server.run("docker logs %s", f"mlflow-{service}-1").stderr for service in (*WATCHES, "mysql")]
    shown += [server.check_output("journalctl --no-pager"), server.check_output("ps auxww")]
    assert not [text for text in shown if secret in text]
    platform.write("/run/wanted", secret)
    command = "grep --recursive --files-with-matches --fixed-strings --file=/run/wanted"
    assert server.run(f"{command} {PROJECT}/config {PROJECT}/services").stdout == ""
    server.check_output("rm /run/wanted")


def test_the_metrics_hold_no_secret(platform: Platform, server: Host) -> None:
    text = server.check_output("cat %s/data/monitoring/metrics/platform.prom", PROJECT)
    assert "onprem_mlflow_service_works" in text
    assert not [name for name, value in platform.secrets().items() if value in text]


def test_status_names_the_new_timer(platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    result = platform.play("playbooks/status.yml", status_drift=False, status_json=str(path))
    result.assert_ok()
    units = {timer["unit"] for timer in json.loads(path.read_text())["servers"][platform.name]["timers"]}
    assert "mlflow-monitoring.timer" in units
