"""A change touches what it concerns, a second run nothing, and what is switched off is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..conftest import PROJECT, eventually
from .conftest import WATCHES, Prometheus

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform


def identities(platform: Platform) -> dict[str, str]:
    return {service: platform.container(service)["Id"] for service in (*platform.services, *WATCHES)}


def as_root(server: Host, statement: str) -> str:
    """Ask MySQL as its administrator."""
    client = 'MYSQL_PWD="$(cat /run/secrets/mysql_root_password)" exec mysql --user=root --batch --execute="$1"'
    return str(server.check_output("docker exec mlflow-mysql-1 sh -c %s sh %s", client, statement))


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    before = identities(platform)
    platform.assert_settled()
    assert identities(platform) == before


def test_a_limit_of_an_alert_touches_prometheus_alone(platform: Platform, prometheus: Prometheus) -> None:
    before = identities(platform)
    predicted = platform.site(check=True, monitoring_disk_percent=91)
    predicted.assert_ok()
    assert predicted.changed
    assert identities(platform) == before
    platform.site(monitoring_disk_percent=91).assert_ok()
    after = identities(platform)
    assert {service for service, identity in before.items() if after[service] != identity} == {"prometheus"}
    rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert any(rule["query"].endswith(">= 91") for rule in rules)
    again = platform.site(monitoring_disk_percent=91)
    again.assert_ok()
    assert again.changed == []


def test_a_password_that_was_lost_is_made_good(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    """As after a restore of the database elsewhere, where nobody knows the exporter's user."""
    as_root(server, "DROP USER onprem_exporter")
    result = platform.site(monitoring_disk_percent=91)
    result.assert_ok()
    assert len(result.changed) == 1, result.changed
    assert "Make the exporter's user" in result.changed[0]
    assert eventually(lambda: prometheus.value("mysql_up") == 1, 60)


def test_another_password_touches_its_exporter_alone(platform: Platform, server: Host, prometheus: Prometheus) -> None:
    """Whoever removes the file gets another one with the next run."""
    before, password = identities(platform), platform.secret("monitoring_database_password")
    server.check_output("rm %s/secrets/monitoring_database_password", PROJECT)
    platform.site(monitoring_disk_percent=91).assert_ok()
    assert platform.secret("monitoring_database_password") != password
    after = identities(platform)
    assert {service for service, identity in before.items() if after[service] != identity} == {"mysqld-exporter"}
    assert eventually(lambda: prometheus.value("mysql_up") == 1, 60)


def test_bad_input_is_refused_before_anything_is_changed(platform: Platform) -> None:
    before = identities(platform)
    refused = platform.site(monitoring_scrape_seconds=1, monitoring_retention_size="much")
    assert "monitoring_scrape_seconds: found 1, write a number from 5 to 300." in refused.message
    assert "monitoring_retention_size: found 'much'" in refused.message
    refused = platform.site(mlflow_platform_monitoring=False)
    assert "nginx_virtual_hosts[1].service: found 'prometheus', which does not run" in refused.message
    assert identities(platform) == before


def test_switched_off_it_is_gone_but_for_what_was_measured(platform: Platform, server: Host) -> None:
    hosts = platform.variables["nginx_virtual_hosts"][:1]
    off = {"mlflow_platform_monitoring": False, "nginx_virtual_hosts": hosts}
    database = platform.container("mysql")["Id"]
    platform.site(**off).assert_ok()
    running = set(server.check_output("docker ps --all --format '{{.Names}}'").split())
    assert running == {f"mlflow-{service}-1" for service in platform.services}
    compose = server.file(f"{PROJECT}/compose.yml").content_string
    assert "monitoring" not in compose
    for path in (
        f"{PROJECT}/config/monitoring",
        f"{PROJECT}/services/monitoring.yml",
        "/etc/systemd/system/mlflow-monitoring.timer",
    ):
        assert not server.file(path).exists, path
    assert server.run("ls %s/secrets/monitoring_*", PROJECT).rc != 0
    assert platform.container("mysql")["Id"] == database
    assert server.file(f"{PROJECT}/data/prometheus").is_directory
    users = as_root(server, "SELECT user FROM mysql.user")
    assert "onprem_exporter" not in users
    assert platform.login_status("admin", platform.password("admin")) == 200
    again = platform.site(**off)
    again.assert_ok()
    assert again.changed == []


def test_switched_on_again_it_goes_on_with_what_was_measured(platform: Platform, prometheus: Prometheus) -> None:
    platform.site().assert_ok()
    assert (prometheus.value("count_over_time(prometheus_build_info[2h])") or 0) > 10
