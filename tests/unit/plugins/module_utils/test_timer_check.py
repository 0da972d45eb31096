"""When timers do what they do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.timer_check import check_timers


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"backup_calendar": "Mon..Fri *-*-* 02,14:30:00", "housekeeping_calendar": "daily"},
        {"housekeeping_deleted_days": 0, "housekeeping_images_days": 30},
    ],
)
def test_good_ones(values: dict[str, Any]) -> None:
    assert check_timers(values) == []


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"acme_renew_calendar": "a\nb"}, "acme_renew_calendar: found 'a\\nb', write times as systemd does"),
        ({"backup_calendar": "daily; reboot"}, "backup_calendar: found 'daily; reboot'"),
        ({"housekeeping_calendar": ""}, "housekeeping_calendar: found '', write times"),
        ({"housekeeping_spool_hours": -1}, "housekeeping_spool_hours: found -1, write 0 or more."),
    ],
)
def test_bad_ones(values: dict[str, Any], sentence: str) -> None:
    (problem,) = check_timers(values)
    assert problem.startswith(sentence)
