"""Certificates by HTTP-01 and by DNS-01, as site.yml left them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from testinfra.host import Host

from .conftest import names_of, shown

if TYPE_CHECKING:
    from ..conftest import Platform

SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
WELL_KNOWN = "/.well-known/acme-challenge/"


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    predicted = platform.site(check=True)
    predicted.assert_ok()
    assert predicted.changed == []


def test_certificate_by_http(platform: Platform, trusting: ssl.SSLContext) -> None:
    assert names_of(shown(platform, trusting, "http.front.lab", 443)) == {"http.front.lab"}
    login = ("admin", platform.secret("nginx_user_admin_password"))
    assert platform.request(SEARCH, login, host="http.front.lab", port=443, context=trusting).status == 200


def test_certificate_by_dns_has_a_name_with_a_star(platform: Platform, trusting: ssl.SSLContext) -> None:
    certificate = shown(platform, trusting, "dns.front.lab", 8443)
    assert names_of(certificate) == {"dns.front.lab", "*.dns.front.lab"}
    assert shown(platform, trusting, "any.dns.front.lab", 8443) == certificate


def test_the_chain_is_served(platform: Platform, server: Host) -> None:
    """With the intermediate authority's certificate: clients have the root alone."""
    served = server.file("/opt/mlflow/secrets/nginx/acme/http.front.lab.pem").content_string
    assert served.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("host", ["http.front.lab", "unknown.front.lab"])
def test_challenges_are_answered_without_a_redirect(platform: Platform, host: str) -> None:
    platform.host.check_output("printf here > /opt/mlflow/data/acme-challenges/%s/mark", WELL_KNOWN.strip("/"))
    platform.host.check_output("chown 101 /opt/mlflow/data/acme-challenges/%s/mark", WELL_KNOWN.strip("/"))
    answer = platform.request(f"{WELL_KNOWN}mark", host=host, port=80)
    assert (answer.status, answer.body) == (200, b"here")
    assert platform.request(f"{WELL_KNOWN}other", host=host, port=80).status == 404
    assert platform.request(f"{WELL_KNOWN}../../mark", host=host, port=80).status != 200


def test_everything_else_goes_on_as_before(platform: Platform) -> None:
    answer = platform.request("/some/path?a=b", host="http.front.lab", port=80)
    assert (answer.status, answer.headers["location"]) == (308, "https://http.front.lab/some/path?a=b")
    assert platform.request("/", host="unknown.front.lab", port=80).status == 421


def test_keys_are_closed(server: Host) -> None:
    assert server.check_output("find /opt/mlflow/secrets /opt/mlflow/data/acme -type f -perm /077") == ""
    assert server.check_output("find /opt/mlflow/config -type f -exec grep -l 'PRIVATE KEY' {} +; true") == ""
    seen = server.check_output("docker exec mlflow-nginx-1 find /etc/nginx/keys /var/lib/acme-challenges -type f")
    assert [path for path in seen.split() if "/keys/" in path and not path.endswith(".pem")] == []


def test_secrets_are_in_files_alone(server: Host) -> None:
    secret = server.file("/opt/mlflow/secrets/acme/RFC2136_TSIG_SECRET").content_string
    binding = server.file("/opt/mlflow/secrets/acme/eab_hmac_key").content_string
    read = server.check_output(
        "cat /opt/mlflow/services/*.yml /opt/mlflow/config/acme/* /etc/systemd/system/mlflow-acme.*;"
        " journalctl --no-pager"
    )
    assert secret not in read
    assert binding not in read


def test_the_timer_is_set(server: Host) -> None:
    assert server.service("mlflow-acme.timer").is_enabled
    assert server.service("mlflow-acme.timer").is_running
    assert server.check_output("systemctl list-units --failed --plain --no-legend") == ""
    assert server.check_output("docker ps --all --format '{{.Names}}'").split() == ["mlflow-nginx-1", "mlflow-mlflow-1"]
