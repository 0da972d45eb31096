# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action is told; runs that meet are in tests/unit/roles/test_run_lock.py."""

from __future__ import annotations

import pytest
from ansible_collections.onprem.mlflow.plugins.action.run_lock import playbooks, seconds_of


@pytest.mark.parametrize(("value", "seconds"), [(0, 0), (600, 600), ("600", 600)])
def test_how_long_to_wait(value: object, seconds: int) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize("value", ["long", "", -1, 1.5, True, None, [5], "\N{FULLWIDTH DIGIT ONE}"])
def test_what_is_no_time_to_wait(value: object) -> None:
    with pytest.raises(ValueError, match=r"^mlflow_platform_wait_for_run: found .*, write a number of seconds"):
        seconds_of(value)


def test_a_run_without_playbooks_has_a_name() -> None:
    assert playbooks() == "ansible"
