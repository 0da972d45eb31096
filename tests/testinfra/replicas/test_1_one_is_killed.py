"""A server of MLflow dies while clients ask, and comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ..load import WRITERS, assert_nothing_lost, under_load

if TYPE_CHECKING:
    from ..conftest import Platform

DEAD_SECONDS = 10


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    platform.assert_settled()


@pytest.mark.parametrize("service", ["mlflow", "mlflow-2"])
def test_no_read_and_no_acknowledged_write_is_lost(platform: Platform, service: str) -> None:
    with under_load(platform) as seen:
        time.sleep(3)
        platform.host.check_output("docker kill mlflow-%s-1", service)
        time.sleep(DEAD_SECONDS)
        before = len(seen.writes)
        platform.host.check_output("docker start mlflow-%s-1", service)
        platform.compose("up --detach --wait --no-recreate", service)
        time.sleep(3)
    assert_nothing_lost(platform, seen, DEAD_SECONDS)
    # A write that the killed server had, or that waited for it while its name went away, is not repeated by the
    # proxy: who sent it is told, and knows what to do.
    assert len(seen.failed) <= 2 * WRITERS
    assert set(seen.writes[before:]) == {200}, "it is known by then that the server is dead"
