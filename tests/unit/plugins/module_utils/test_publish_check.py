# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the proxy is reached, and the labels by which a Traefik finds it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.publish_check import check_publish
from ansible_collections.onprem.mlflow.plugins.module_utils.traefik import traefik_labels


def host(*names: str, port: int = 443, **more: Any) -> dict[str, Any]:
    return {"host_names": list(names), "port": port, **more}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"nginx_virtual_hosts": [host("a", tls="provided"), host("a", port=80)]},
        {"nginx_publish": "loopback", "nginx_virtual_hosts": [host("a", tls="outside"), host("b", port=80), None]},
        {"nginx_publish": "traefik", "nginx_traefik_network": "traefik_default"},
    ],
)
def test_good_values_pass(values: dict[str, Any]) -> None:
    assert check_publish(values) == []


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (
            {"nginx_publish": "loopback", "nginx_virtual_hosts": [host("a", tls="provided")]},
            "nginx_virtual_hosts[0].tls: found 'provided', but with nginx_publish 'loopback' the proxy in front has the"
            " certificate, write outside, or off.",
        ),
        (
            {"nginx_publish": "loopback", "nginx_virtual_hosts": [host("a"), host("A", port=80)]},
            "nginx_virtual_hosts[1]: a stands twice, but with nginx_publish 'loopback' all virtual hosts share one"
            " port, remove one of them.",
        ),
        (
            {"nginx_publish": "loopback", "nginx_behind_port": 15080},
            "nginx_behind_port: is the same as nginx_health_port, write another port.",
        ),
        (
            {"nginx_publish": "traefik"},
            "nginx_traefik_network: is missing, write the name of Traefik's network as `docker network ls` shows it.",
        ),
        (
            {"nginx_publish": "traefik", "nginx_traefik_network": "my net"},
            "nginx_traefik_network: found 'my net', write a name as `docker network ls` shows it.",
        ),
        (
            {"nginx_traefik_network": "traefik"},
            "nginx_traefik_network: is of no use with nginx_publish 'ports', write nginx_publish: traefik, or remove"
            " it.",
        ),
    ],
)
def test_bad_values_are_named(values: dict[str, Any], problem: str) -> None:
    assert check_publish(values) == [problem]


def test_labels_name_a_router_for_each_virtual_host() -> None:
    labels = traefik_labels([host("a", "b", tls="outside"), host("*.c.org", port=80)], "lab", "net", 15081)
    assert labels == {
        "traefik.enable": "true",
        "traefik.docker.network": "net",
        "traefik.http.services.lab.loadbalancer.server.port": "15081",
        "traefik.http.routers.lab-1.rule": "Host(`a`) || Host(`b`)",
        "traefik.http.routers.lab-1.service": "lab",
        "traefik.http.routers.lab-1.tls": "true",
        "traefik.http.routers.lab-2.rule": r"HostRegexp(`^[^.]+\.c\.org$`)",
        "traefik.http.routers.lab-2.service": "lab",
    }


def test_labels_of_the_operator_win() -> None:
    more = {"traefik.http.routers.lab-1.service": "other", "traefik.http.routers.lab-1.middlewares": "limit"}
    labels = traefik_labels([host("a", tls="outside")], "lab", "net", 15081, ["web", "secure"], "acme", more)
    assert labels["traefik.http.routers.lab-1.entrypoints"] == "web,secure"
    assert labels["traefik.http.routers.lab-1.tls.certresolver"] == "acme"
    assert labels.items() >= more.items()
