# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services other servers reach, by how the duties are spread."""

from __future__ import annotations

from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.peers import published_services

SPLIT = {
    "mlflow_database": ["db"],
    "mlflow_object_store": ["objects"],
    "mlflow_tracking": ["one", "two"],
    "mlflow_proxy": ["proxy"],
}
ALL_ON_ONE = {group: ["one"] for group in SPLIT}
ADDRESSES = {"db": "10.0.0.1", "objects": "10.0.0.2", "one": "10.0.0.3", "two": "10.0.0.4", "proxy": "10.0.0.5"}


def published(host: str, groups: dict[str, list[str]] | None = None, **more: Any) -> list[dict[str, Any]]:
    settings = {"database": "mysql", "store": "rustfs", "replicas": 1, **more}
    return published_services(groups or SPLIT, host, addresses=ADDRESSES, **settings)


def test_each_duty_on_a_server_of_its_own() -> None:
    trackers = ["10.0.0.3", "10.0.0.4"]
    assert published("db") == [{"service": "mysql", "ports": [3306], "clients": trackers}]
    assert published("objects") == [{"service": "rustfs", "ports": [9000], "clients": trackers}]
    assert published("one", replicas=2) == [{"service": "mlflow", "ports": [5000, 5001], "clients": ["10.0.0.5"]}]
    assert published("proxy") == []


def test_nothing_is_published_on_one_server() -> None:
    assert published("one", ALL_ON_ONE) == []


def test_what_exists_elsewhere_is_not_ours() -> None:
    assert published("db", database="external") == []
    assert published("objects", store="s3") == []
    assert published("db", {"mlflow_tracking": ["one"], "mlflow_proxy": ["one"]}, database="sqlite") == []


def test_a_service_has_tls_on_all_its_servers_or_on_none() -> None:
    """One proxy reaches its own server's MLflow and another one: there is one way to reach both."""
    groups = {**ALL_ON_ONE, "mlflow_tracking": ["one", "two"]}
    assert published("one", groups) == [
        {"service": "mysql", "ports": [3306], "clients": ["10.0.0.4"]},
        {"service": "rustfs", "ports": [9000], "clients": ["10.0.0.4"]},
        {"service": "mlflow", "ports": [5000], "clients": []},
    ]
    assert published("two", groups) == [{"service": "mlflow", "ports": [5000], "clients": ["10.0.0.3"]}]
