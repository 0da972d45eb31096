"""Whatever happens while objects are copied, the next run goes on, and the last one ends with the same on both sides.

The run that makes good for one disturbance meets the next one, with objects of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ...conftest import kill_with_children
from ..conftest import minio_client, rustfs_address

if TYPE_CHECKING:
    from ...conftest import Platform

Contents = dict[str, dict[str, dict[str, Any]]]
MIB = 1 << 20
OBJECTS = 48
# Slow enough to be disturbed in the middle.
SPEED = "4MiB/s"
PLAYBOOK = "playbooks/migrate_minio.yml"
ASK = "import urllib.request; urllib.request.urlopen('{}', timeout=5)"
COPY = ["--tags", "check,copy"]


@dataclass
class Run:
    """A run of the playbook, and what became of it."""

    process: subprocess.Popen[str]
    printed: str = ""
    failed: bool = False


@dataclass
class Copy:
    """The copy of all that was begun, which is disturbed while the last part of it is copied."""

    platform: Platform
    prefixes: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, Any]:
        return {"minio_migration_buckets": [{"name": "mlflow", "prefix": prefix} for prefix in self.prefixes]}

    @contextmanager
    def at_a_third(self, **variables: Any) -> Iterator[Run]:
        """Run the copy slowly until a third of it is done; when the block is left, wait for the end of the run."""
        progress_of_the_last = re.compile(rf"mlflow/{re.escape(self.prefixes[-1])}: (\d+)%, ")
        wanted = {**self.variables, "minio_migration_limit_download": SPEED, **variables}
        with self.platform.playing(PLAYBOOK, *COPY, "--extra-vars", json.dumps(wanted)) as process:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line)
                if (progress := progress_of_the_last.search(line)) and int(progress[1]) >= 30:
                    break
            else:
                pytest.fail("".join(printed[-40:]))
            run = Run(process)
            yield run
            run.printed = "".join([*printed, *process.stdout.readlines()])
            run.failed = process.wait() != 0

    @property
    def container(self) -> str:
        """The container that copies."""
        return str(self.platform.host.check_output("docker ps --quiet --filter name=mlflow-mc-"))


def wait_for(platform: Platform, name: str) -> None:
    """Wait until a store answers again."""
    readiness: dict[str, Callable[[], str]] = {
        "old-minio": lambda: "http://127.0.0.1:9000/minio/health/ready",
        "mlflow-rustfs-1": lambda: f"{rustfs_address(platform)}/health/ready",
    }
    deadline = time.monotonic() + 60
    while platform.host.run("python3 -c %s", ASK.format(readiness[name]())).failed:
        assert time.monotonic() < deadline, f"{name} does not answer"
        time.sleep(1)


@pytest.fixture(scope="module")
def all_copies(platform: Platform) -> Copy:
    return Copy(platform)


@pytest.fixture
def copy(all_copies: Copy, s3: Any, request: pytest.FixtureRequest) -> Copy:
    prefix = f"faults/{request.node.name}/"
    for number in range(OBJECTS):
        s3.put_object(Bucket="mlflow", Key=f"{prefix}{number:03}", Body=os.urandom(MIB + number))
    all_copies.prefixes.append(prefix)
    return all_copies


def test_mc_is_killed(copy: Copy) -> None:
    with copy.at_a_third() as run:
        copy.platform.host.check_output("docker kill %s", copy.container)
    assert run.failed
    assert "before mc was done" in run.printed


def test_the_controller_is_killed(copy: Copy) -> None:
    with copy.at_a_third() as run:
        kill_with_children(run.process.pid)
    assert copy.container, "the copy goes on without the controller"
    result = copy.platform.play(PLAYBOOK, *COPY, minio_migration_limit_download=SPEED, **copy.variables)
    result.assert_ok()
    assert '"started": false' in result.output


@pytest.mark.parametrize("name", ["old-minio", "mlflow-rustfs-1"])
def test_a_store_is_gone_for_a_minute(copy: Copy, name: str) -> None:
    with copy.at_a_third():
        copy.platform.host.check_output("docker stop --time 1 %s", name)
        time.sleep(60)
        copy.platform.host.check_output("docker start %s", name)
        wait_for(copy.platform, name)


def test_the_key_is_revoked(copy: Copy) -> None:
    mc = minio_client(copy.platform)
    assert mc("admin user add minio mover movers-secret").succeeded
    assert mc("admin policy attach minio consoleAdmin --user mover").succeeded
    source = {**copy.platform.variables["minio_migration_source"], "access_key": "mover", "secret_key": "movers-secret"}
    # What users and policies there are is no matter of this test.
    with copy.at_a_third(minio_migration_source=source, minio_migration_iam=False) as run:
        assert mc("admin user disable minio mover").succeeded
    assert run.failed
    assert "movers-secret" not in run.printed
    assert mc("admin user remove minio mover").succeeded


def test_the_server_is_restarted(copy: Copy) -> None:
    with copy.at_a_third():
        subprocess.run(["docker", "restart", "--time", "2", copy.platform.machine], check=True, capture_output=True)
    # It may have got another one.
    del copy.platform.address
    for name in ("old-minio", "mlflow-rustfs-1"):
        wait_for(copy.platform, name)


def test_the_source_is_the_target(platform: Platform) -> None:
    """What cannot be found out before RustFS runs."""
    itself = {
        "endpoint_url": rustfs_address(platform),
        "access_key": platform.secret("rustfs_root_access_key"),
        "secret_key": platform.secret("rustfs_root_secret_key"),
    }
    refused = platform.play(PLAYBOOK, "--tags", "check", minio_migration_source=itself)
    assert "is the same store as the target" in refused.message


def test_the_disk_of_the_target_is_full(copy: Copy) -> None:
    """RustFS on a file system of its own, which something else fills while it copies."""
    data = "/opt/mlflow/data/rustfs"
    host = copy.platform.host
    host.check_output("docker stop mlflow-rustfs-1")
    host.check_output(f"mv {data} {data}.kept && mkdir {data} && mount -t tmpfs -o size=900m tmpfs {data}")
    host.check_output(f"cp -a {data}.kept/. {data} && chown --reference={data}.kept {data} && chmod 700 {data}")
    host.check_output("docker start mlflow-rustfs-1")
    wait_for(copy.platform, "mlflow-rustfs-1")
    with copy.at_a_third() as run:
        host.run(f"dd if=/dev/zero of={data}/filled bs=1M")
    assert run.failed
    host.check_output(f"rm {data}/filled")
    host.check_output("docker stop mlflow-rustfs-1")
    host.check_output(f"cp -a {data}/. {data}.kept && umount {data} && rmdir {data} && mv {data}.kept {data}")
    host.check_output("docker start mlflow-rustfs-1")
    wait_for(copy.platform, "mlflow-rustfs-1")


def test_the_last_run_has_everything(
    all_copies: Copy, minio: Callable[..., Contents], rustfs: Callable[..., Contents]
) -> None:
    all_copies.platform.play(PLAYBOOK, *COPY, **all_copies.variables).assert_ok()
    for prefix in all_copies.prefixes:
        source = minio(prefix)["mlflow"]
        assert len(source) == OBJECTS
        assert rustfs(prefix)["mlflow"] == source
