# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MLflow's lists of hosts and origins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.mlflow_allowed_hosts import FilterModule as Hosts
from ansible_collections.onprem.mlflow.plugins.filter.mlflow_cors_origins import FilterModule as Origins
from ansible_collections.onprem.mlflow.plugins.filter.virtual_hosts import FilterModule as Complete

allowed_hosts = Hosts().filters()["mlflow_allowed_hosts"]
cors_origins = Origins().filters()["mlflow_cors_origins"]
complete: Callable[..., Any] = Complete().filters()["virtual_hosts"]

VIRTUAL_HOSTS = [
    {"host_names": ["MLflow.lab", "localhost"], "port": 15000, "users": [{"name": "admin"}]},
    {"host_names": ["mlflow.lab"], "port": "80"},
    {"host_names": ["mlflow.example.org"], "port": 443, "tls": "self_signed", "service": "mlflow"},
    {"host_names": ["console.example.org"], "port": 443, "tls": "provided", "service": "console"},
]


def test_hosts_stand_with_and_without_port() -> None:
    assert allowed_hosts(VIRTUAL_HOSTS) == [
        "mlflow.lab",
        "mlflow.lab:15000",
        "localhost",
        "localhost:15000",
        "mlflow.lab:80",
        "mlflow.example.org",
        "mlflow.example.org:443",
        "mlflow:5000",
        "localhost:*",
        "127.0.0.1:*",
    ]


def test_origins_leave_the_default_port_out() -> None:
    assert cors_origins(VIRTUAL_HOSTS) == [
        "http://mlflow.lab:15000",
        "http://localhost:15000",
        "http://mlflow.lab",
        "https://mlflow.example.org",
    ]


def test_port_443_without_tls_is_named() -> None:
    assert cors_origins([{"host_names": ["a"], "port": 443}]) == ["http://a:443"]


def test_no_virtual_host_leaves_the_internal_names() -> None:
    assert allowed_hosts([]) == ["mlflow:5000", "localhost:*", "127.0.0.1:*"]
    assert cors_origins([]) == []


@pytest.mark.parametrize(
    ("virtual_hosts", "sentence"),
    [
        ({"host_names": ["a"], "port": 1}, "are a list of dicts"),
        (["mlflow.lab"], "is a dict with host_names and port"),
        ([{"port": 1}], "list of at least one name"),
        ([{"host_names": "mlflow.lab", "port": 1}], "list of at least one name"),
        ([{"host_names": ["http://a"], "port": 1}], "is not a host name"),
        ([{"host_names": ["a:80"], "port": 1}], "is not a host name"),
        ([{"host_names": ["a,b"], "port": 1}], "is not a host name"),
        ([{"host_names": ["a"]}], "write a number from 1 to 65535"),
        ([{"host_names": ["a"], "port": 0}], "write a number from 1 to 65535"),
        (
            [{"host_names": ["a"], "port": 1, "tls": True}],
            "tls of a virtual host is True, write one of: off, self_signed",
        ),
        ([{"host_names": ["a"], "port": 1, "service": "minio"}], "write one of: mlflow, console, s3"),
        ([{"host_names": ["a"], "port": 1, "redirect_from": 0}], "redirect_from of a virtual host is 0"),
    ],
)
def test_bad_virtual_host_is_refused(virtual_hosts: Any, sentence: str) -> None:
    for filter_function in (allowed_hosts, cors_origins, complete):
        with pytest.raises(AnsibleFilterError, match=sentence):
            filter_function(virtual_hosts)


def test_what_is_left_out_is_filled_in() -> None:
    plain, address = complete(
        [
            {"host_names": ["MLflow.lab"], "port": "80", "users": [{"name": "x"}], "tls": False},
            {"host_names": ["a", "[::1]"], "port": 8443, "tls": "self_signed", "redirect_from": "80", "service": "s3"},
        ]
    )
    assert plain == {
        "host_names": ["MLflow.lab"],
        "port": 80,
        "users": [{"name": "x"}],
        "allow": [],
        "tls": "off",
        "service": "mlflow",
        "redirect_from": None,
        "hsts_seconds": 0,
        "url": "http://mlflow.lab",
        "has_address": False,
        "subject_alt_names": ["DNS:mlflow.lab"],
        "file": "MLflow.lab_80",
        "acme_file": "mlflow.lab",
    }
    assert (address["url"], address["redirect_from"], address["has_address"]) == ("https://a:8443", 80, True)
    assert address["users"] == []
    assert address["subject_alt_names"] == ["DNS:a", "IP:::1"]
