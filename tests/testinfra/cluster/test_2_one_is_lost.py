"""One of four servers is lost while artifacts are written: it comes back, or another machine takes its place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..conftest import eventually
from .objects import WRITERS, assert_all_there, on_disk, writing

if TYPE_CHECKING:
    from ..conftest import Platform
    from ..rustfs_admin import Ask

HEALTHY = "docker inspect --format '{{.State.Health.Status}}' mlflow-rustfs-1 2>/dev/null"
# The first server is the one that MLflow asks where it can.
LOST = 0
SECONDS = 120
# Nothing comes in any more, as from a machine without power.
CUT = "nft 'table inet cut { chain input { type filter hook prerouting priority -400; policy drop; }; }'"


def healthy(store: Platform) -> bool:
    return str(store.host.run(HEALTHY).stdout).strip() == "healthy"


def test_one_is_stopped_and_written_past(platform: Platform, stores: list[Platform]) -> None:
    store = stores[LOST]
    with writing(platform) as written:
        time.sleep(2)
        store.host.check_output("docker stop mlflow-rustfs-1")
        before = len(written.names)
        time.sleep(15)
        assert len(written.names) > before + 5, "written without it"
        missing = set(written.names) - on_disk(store, written)
        store.host.check_output("docker start mlflow-rustfs-1")
        assert eventually(lambda: healthy(store), SECONDS)
        time.sleep(3)
    assert written.failed == []
    assert missing
    assert_all_there(platform, written)
    assert eventually(lambda: set(written.names) <= on_disk(store, written), SECONDS), "healed"


def test_one_vanishes(platform: Platform, stores: list[Platform]) -> None:
    store = stores[LOST]
    with writing(platform) as written:
        time.sleep(2)
        store.host.check_output(CUT)
        try:
            time.sleep(60)
            before = len(written.names)
            time.sleep(20)
            assert len(written.names) > before + 5, "written without it"
        finally:
            store.host.check_output("nft delete table inet cut")
        assert eventually(lambda: healthy(store), SECONDS)
    assert len(written.failed) <= WRITERS, "what was on its way when it went"
    assert_all_there(platform, written)
    assert eventually(lambda: set(written.names) <= on_disk(store, written), SECONDS), "healed"


def test_a_change_is_made_to_one_after_the_other(platform: Platform, stores: list[Platform]) -> None:
    before = [store.container("rustfs")["Id"] for store in stores]
    with writing(platform) as written:
        made = platform.site(rustfs_memory="1500m")
    made.assert_ok()
    after = [store.container("rustfs")["Id"] for store in stores]
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert written.failed == []
    assert_all_there(platform, written)


def test_another_machine_takes_its_place(platform: Platform, stores: list[Platform], administrator: Ask) -> None:
    """It is the first one, which keeps what the others have from it."""
    store = stores[LOST]
    keys = [store.secret(name) for name in ("rustfs_root_access_key", "rustfs_root_secret_key", "rustfs_rpc_secret")]
    with writing(platform) as written:
        store.host.check_output("docker rm --force mlflow-rustfs-1")
        store.host.check_output("rm -r /opt/mlflow && find /srv/disk0 -mindepth 1 -delete")
        time.sleep(2)
    platform.site(rustfs_memory="1500m").assert_ok()
    again = [store.secret(name) for name in ("rustfs_root_access_key", "rustfs_root_secret_key", "rustfs_rpc_secret")]
    assert again == keys
    assert administrator("info")["info"]["backend"]["onlineDisks"] == 4
    assert written.failed == []
    assert_all_there(platform, written)
    assert eventually(lambda: set(written.names) <= on_disk(store, written), SECONDS), "filled"
    platform.site().assert_ok()
