"""A platform is backed up and goes back to that, whatever its database is, with its artifacts in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..conftest import names_lead_to
from ..logged import Logged, Store

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Platform

BACKUPS: dict[str, Any] = {"backup_repository": "/srv/backups/mlflow", "backup_same_disk": True}


def assert_goes_back(platform: Platform, folder: Path, **variables: Any) -> None:
    """What was logged before the backup is there again, and what came after it is not."""
    settings = {**variables, **BACKUPS}
    platform.site(**settings).assert_ok()
    first, second = Logged(), Logged()
    with names_lead_to(platform.address, ("mlflow.lab",)):
        store = Store(platform, platform.password("admin"))
        (folder / "logged").mkdir()
        store.log(folder / "logged", 1, first)
        taken = platform.play("playbooks/backup.yml")
        taken.assert_ok()
        later = store.log(folder / "logged", 2, second)
        refused = platform.play("playbooks/restore.yml", backup_restore="latest", **settings)
        assert "write backup_restore_over_newer: true to go back to it" in refused.message
        back = platform.play(
            "playbooks/restore.yml", backup_restore="latest", backup_restore_over_newer=True, **settings
        )
        back.assert_ok()
        store.assert_holds(first, folder / "read")
        assert later not in {run.info.run_id for run in store.client.search_runs([store.experiment])}
    platform.host.check_output("rm -rf /srv/backups")
    platform.site(**variables).assert_ok()
