# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services other servers reach, by how the duties are spread."""

from __future__ import annotations

from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.peers import published_services, store_addresses

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


CLUSTER = {**SPLIT, "mlflow_object_store": ["objects", "more", "third"]}
CLUSTER_ADDRESSES = {**ADDRESSES, "more": "10.0.0.6", "third": "10.0.0.7"}


def test_servers_of_one_object_store_reach_each_other() -> None:
    found = published_services(CLUSTER, "more", "mysql", "rustfs", 1, CLUSTER_ADDRESSES)
    assert found == [
        {
            "service": "rustfs",
            "ports": [9000],
            "clients": ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.7"],
            "names": ["rustfs-2"],
        }
    ]
    shared = {**CLUSTER, "mlflow_tracking": ["objects", "more"]}
    (rustfs, _mlflow) = published_services(shared, "objects", "external", "rustfs", 1, CLUSTER_ADDRESSES)
    assert rustfs["clients"] == ["10.0.0.6", "10.0.0.7"]


def test_each_server_of_mlflow_begins_with_another_server_of_the_object_store() -> None:
    assert store_addresses(CLUSTER, "one", CLUSTER_ADDRESSES) == ["10.0.0.2", "10.0.0.6", "10.0.0.7"]
    assert store_addresses(CLUSTER, "two", CLUSTER_ADDRESSES) == ["10.0.0.6", "10.0.0.7", "10.0.0.2"]
    shared = {**CLUSTER, "mlflow_tracking": ["third"]}
    assert store_addresses(shared, "third", CLUSTER_ADDRESSES) == ["10.0.0.7", "10.0.0.2", "10.0.0.6"]
