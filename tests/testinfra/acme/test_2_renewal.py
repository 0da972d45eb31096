"""The server renews by itself while clients ask."""

from __future__ import annotations

import ssl
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from testinfra.host import Host

from ..load import asking
from .conftest import shown

if TYPE_CHECKING:
    from ..conftest import Platform

SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
PORTS = {"http.front.lab": 443, "dns.front.lab": 8443}
UNTIL_RENEWED = 120
# A reload makes new ones.
WORKERS = "docker exec mlflow-nginx-1 cat /proc/1/task/1/children"


LOGINS = {"http.front.lab": ("anna", "anna's password"), "dns.front.lab": ("bert", "bert's password")}


def search(platform: Platform, context: ssl.SSLContext, name: str) -> int:
    """Ask a virtual host in a connection of its own."""
    port = PORTS[name]
    host = f"{name}:{port}" if port != 443 else name
    return platform.request(SEARCH, LOGINS[name], host=host, port=port, context=context).status


def test_nothing_is_renewed_that_is_not_due(platform: Platform, server: Host, trusting: ssl.SSLContext) -> None:
    before = {name: shown(platform, trusting, name, port) for name, port in PORTS.items()}
    workers = server.check_output(WORKERS)
    server.check_output("systemctl start mlflow-acme.service")
    assert {name: shown(platform, trusting, name, port) for name, port in PORTS.items()} == before
    assert server.check_output(WORKERS) == workers, "not even a reload"


def test_the_timer_renews_and_no_request_fails(platform: Platform, server: Host, trusting: ssl.SSLContext) -> None:
    """Six days are fewer than seven: whenever the timer looks, both are due."""
    before = {name: shown(platform, trusting, name, port) for name, port in PORTS.items()}
    containers = platform.container("nginx")["Id"]
    changes: dict[str, Any] = {
        "acme_renew_days": 7,
        "acme_renew_calendar": "*-*-* *:*:00/20",
        "acme_renew_random_delay": 0,
    }
    with asking([partial(search, platform, trusting, name) for name in PORTS], 0.1) as answers:
        changed = platform.site(**changes)
        changed.assert_ok()
        by_ansible = {name: shown(platform, trusting, name, port) for name, port in PORTS.items()}
        assert all(by_ansible[name] != before[name] for name in PORTS)
        # From here on nobody but the timer does anything.
        deadline = time.monotonic() + UNTIL_RENEWED
        waiting = set(PORTS)
        while waiting and time.monotonic() < deadline:
            time.sleep(2)
            waiting = {name for name in waiting if shown(platform, trusting, name, PORTS[name]) == by_ansible[name]}
    assert not waiting
    assert set(answers) == {200}
    assert len(answers) > 100
    assert platform.container("nginx")["Id"] == containers
    assert server.check_output("systemctl list-units --failed --plain --no-legend") == ""


def test_what_cannot_be_obtained_is_said_and_the_old_one_stays(
    platform: Platform, server: Host, trusting: ssl.SSLContext
) -> None:
    """Back to the inventory's timer, with a name that leads elsewhere."""
    # That of the test before would renew while this one compares; a run that goes on is waited for.
    server.check_output("systemctl stop mlflow-acme.timer && systemctl start mlflow-acme.service")
    hosts = [dict(host) for host in platform.variables["nginx_virtual_hosts"]]
    hosts[0]["host_names"] = ["http.front.lab", "elsewhere.front.lab"]
    # As it is kept: for a moment after a reload nginx shows the one before.
    kept = server.file("/opt/mlflow/secrets/nginx/acme/http.front.lab.pem").content
    failed = platform.site(nginx_virtual_hosts=hosts)
    assert failed.returncode
    assert "The ACME server at https://ca.front.lab:14000/dir gave no certificate for http.front.lab:" in failed.message
    assert "elsewhere.front.lab" in failed.message
    assert "(connection)" in failed.message
    assert shown(platform, trusting, "http.front.lab", 443) == x509.load_pem_x509_certificate(kept)
    assert server.file("/opt/mlflow/secrets/nginx/acme/http.front.lab.pem").content == kept
    assert server.service("mlflow-acme.timer").is_running
    units = server.check_output("systemctl list-units --failed --plain --no-legend")
    assert units.split()[0] == "mlflow-acme.service"


def test_another_name_gets_another_certificate_and_a_host_less_is_forgotten(
    platform: Platform, server: Host, trusting: ssl.SSLContext
) -> None:
    hosts = [dict(host) for host in platform.variables["nginx_virtual_hosts"]][:1]
    hosts[0]["host_names"] = ["http.front.lab", "more.front.lab"]
    platform.site(nginx_virtual_hosts=hosts).assert_ok()
    certificate = shown(platform, trusting, "more.front.lab", 443)
    assert shown(platform, trusting, "http.front.lab", 443) == certificate
    assert server.check_output("ls /opt/mlflow/secrets/nginx/acme") == "http.front.lab.pem"
    assert "dns.front.lab" not in server.file("/opt/mlflow/config/acme/obtain.sh").content_string
    assert server.check_output("systemctl list-units --failed --plain --no-legend") == ""


def test_bad_input_is_refused(platform: Platform) -> None:
    refused = platform.site(acme_accept_terms=False, acme_http_port=8080, acme_dns_provider="manual")
    assert refused.returncode
    for sentence in (
        "acme_accept_terms: is not true",
        "acme_dns_provider: found 'manual'",
        "nginx_virtual_hosts[0]: the challenge http-01 is answered on port 8080",
    ):
        assert sentence in refused.message
    assert refused.changed == []


def test_without_such_hosts_nothing_is_left(platform: Platform, server: Host) -> None:
    hosts = [dict(host) for host in platform.variables["nginx_virtual_hosts"]][:1]
    hosts[0] = {**hosts[0], "tls": "self_signed"}
    platform.site(nginx_virtual_hosts=hosts).assert_ok()
    assert not server.file("/etc/systemd/system/mlflow-acme.timer").exists
    assert "acme" not in server.file("/opt/mlflow/compose.yml").content_string
    assert server.check_output("ls /opt/mlflow/secrets/nginx/acme") == ""
    assert "acme" not in server.check_output("systemctl list-timers --all --no-legend")
