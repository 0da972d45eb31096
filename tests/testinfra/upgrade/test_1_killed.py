"""An upgrade is killed while clients write, no matter when: what they were told to be saved is there."""

from __future__ import annotations

import os
import random
from threading import Timer

import pytest

from ..conftest import Platform, kill_with_children
from ..load import Client, under_load
from .conftest import ALL_OF_IT, NEW, OLD, PLAYBOOK, assert_nothing_left, upgraded, version

KILLS = int(os.environ.get("ONPREM_UPGRADE_KILLS", "2"))
# From its first tasks to its last ones.
EARLIEST, LATEST = 10, 150


def kill_after(platform: Platform, seconds: float) -> str:
    """Run the playbook, kill all of its processes after so many seconds, and return what it printed."""
    with platform.playing(PLAYBOOK, "--extra-vars", f"mlflow_version={NEW}") as process:
        timer = Timer(seconds, kill_with_children, (process.pid,))
        timer.start()
        printed = "".join(process.stdout or ())
        timer.cancel()
    return printed


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_a_random_moment(platform: Platform, number: int) -> None:
    seconds = random.uniform(EARLIEST, LATEST)  # noqa: S311
    with under_load(platform) as seen:
        printed = kill_after(platform, seconds)
    tasks = ["no task", *(line for line in printed.splitlines() if line.startswith("TASK"))]
    print(f"{number + 1}/{KILLS} killed after {seconds:.1f} s, in {tasks[-1]}")
    said = platform.site().message
    if ALL_OF_IT in said:
        given_up = platform.play(PLAYBOOK, upgrade_give_up=True, **upgraded())
        assert "was given up, and the platform runs as before" in given_up.message
    elif version(platform) == NEW:
        # It was killed when its copy was dropped already: what is left to do is to let clients write.
        platform.play(PLAYBOOK, **upgraded()).assert_ok()
    print(f"runs {version(platform)}, {len(seen.acknowledged)} acknowledged; site.yml: {said[:200] or 'is done'}")
    assert seen.acknowledged
    assert seen.acknowledged <= Client(platform).steps(seen.run)
    assert_nothing_left(platform)
    if version(platform) == NEW:
        platform.play("playbooks/restore.yml", backup_restore="latest", backup_restore_over_newer=True).assert_ok()
    assert version(platform) == OLD
