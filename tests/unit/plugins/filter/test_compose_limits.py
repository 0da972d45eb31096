"""Limits of a service: what compose is told, and what is refused before."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.compose_limits import compose_limits_filter
from ansible_collections.onprem.mlflow.plugins.module_utils.compose import check_service_limits

NONE = {"memory": "", "cpus": 0.0, "log_max_size": "", "log_max_files": 3}


def test_nothing_is_said_where_nothing_is_limited() -> None:
    assert compose_limits_filter(NONE) == {}


def test_limits_in_the_words_of_compose() -> None:
    limits = {"memory": "2g", "cpus": "1.5", "log_max_size": "10m", "log_max_files": "5"}
    assert compose_limits_filter(limits) == {
        "mem_limit": "2g",
        "cpus": 1.5,
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}},
    }


def test_an_unknown_limit_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="memroy"):
        compose_limits_filter({"memroy": "2g"})


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("mlflow_memory", "2 GB", "'2 GB'"),
        ("mlflow_memory", "1m", "64m"),
        ("mysql_memory", "0g", "64m"),
        ("nginx_cpus", -1.0, "above 0"),
        ("rustfs_log_max_size", "much", "10m"),
        ("postgres_log_max_files", 0, "1 or more"),
    ],
)
def test_limits_that_cannot_be(name: str, value: Any, word: str) -> None:
    (problem,) = check_service_limits({name: value})
    assert problem.startswith(f"{name}: found")
    assert word in problem


@pytest.mark.parametrize("value", ["", "64m", "2g", "900M"])
def test_memory_that_can_be(value: str) -> None:
    assert check_service_limits({"mlflow_memory": value, "mlflow_cpus": 0.5, "mlflow_log_max_size": value}) == []


def test_a_database_needs_more_than_it_keeps_in_memory() -> None:
    (problem,) = check_service_limits({"mysql_memory": "512m", "mysql_innodb_buffer_pool_size": "512M"})
    assert problem.startswith("mysql_memory: found '512m', but mysql_innodb_buffer_pool_size alone is 512M")
    assert check_service_limits({"postgres_memory": "1g", "postgres_shared_buffers": "256MB"}) == []
