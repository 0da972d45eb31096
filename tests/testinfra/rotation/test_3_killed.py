"""A run that is killed is gone on with by the same command, and nobody is locked out meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import JOURNAL, ROTATE, database_opens, journal, nothing_fails, rotate

if TYPE_CHECKING:
    from ..conftest import Platform

WHAT = "database,database_root,users"
# In the order of a run, each with the number of times that the task begins before it is killed.
MOMENTS = {
    "accept | Put the new secrets in the places of the old ones": 1,
    "replica | Start mlflow": 1,
    "drop | Try the old passwords of users at the proxy": 1,
}


@pytest.mark.parametrize("task", MOMENTS)
def test_it_is_gone_on_with(platform: Platform, task: str) -> None:
    old = platform.secrets()
    with nothing_fails(platform):
        platform.play_until(
            ROTATE, task, "--extra-vars", f"rotate_secrets_what={WHAT}", times=MOMENTS[task], seconds=0.5
        )
        begun = journal(platform)["changes"]
        assert {name: change["old"] for name, change in begun.items()} == {name: old[name] for name in begun}
        assert database_opens(platform, "mlflow", begun["mysql_password"]["new"])

        refused = platform.site()
        assert "was interrupted in the middle: run playbooks/rotate_secrets.yml again" in refused.message
        ended = rotate(platform, WHAT)
        ended.assert_ok()
    assert "what an interrupted run had begun was brought to its end" in ended.output
    new = platform.secrets()
    assert not platform.host.file(JOURNAL).exists
    assert {name: change["new"] for name, change in begun.items()} == {name: new[name] for name in begun}
    for user, name in (("mlflow", "mysql_password"), ("root", "mysql_root_password")):
        assert not database_opens(platform, user, old[name])
        assert database_opens(platform, user, new[name])


def test_and_nothing_is_left_to_do(platform: Platform) -> None:
    platform.assert_settled()
