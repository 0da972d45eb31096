"""Four servers are one object store, which MLflow's server and they themselves reach, encrypted, and nobody else."""

from __future__ import annotations

import os
import socket
import uuid
from typing import TYPE_CHECKING

import pytest
from mlflow.tracking import MlflowClient

from ..conftest import names_lead_to
from ..ports import answers_in_the_clear, encryption, reaches

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Platform
    from ..rustfs_admin import Ask

PORT = 9000
KEYS = ("rustfs_root_access_key", "rustfs_root_secret_key", "rustfs_rpc_secret")


def test_four_disks_and_the_parity(administrator: Ask) -> None:
    info = administrator("info")["info"]
    backend = info["backend"]
    assert (backend["onlineDisks"], backend["offlineDisks"]) == (4, 0)
    assert backend["standardSCParity"] == 2
    assert backend["totalDrivesPerSet"] == [4]
    drives = {drive["endpoint"] for server in info["servers"] for drive in server["drives"]}
    assert drives == {f"https://rustfs-{number}:9000/data/rustfs0" for number in range(1, 5)}


def test_a_run_with_an_artifact(
    platform: Platform, stores: list[Platform], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", platform.password("admin"))
    sent = tmp_path / "weights.bin"
    sent.write_bytes(os.urandom(3_000_000))
    authority = tmp_path / "authority.pem"
    authority.write_text(platform.authority, encoding="ascii")
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(authority))
    with names_lead_to(platform.address, (platform.front.name,)):
        client = MlflowClient(platform.front.url)
        run = client.create_run(client.create_experiment(uuid.uuid4().hex)).info
        client.log_artifact(run.run_id, str(sent))
        client.download_artifacts(run.run_id, sent.name, str(tmp_path / "back"))
    assert (tmp_path / "back" / sent.name).read_bytes() == sent.read_bytes()
    place = f"/srv/disk0/rustfs/mlflow/artifacts/{run.experiment_id}/{run.run_id}/artifacts/{sent.name}"
    assert all(store.host.file(place).is_directory for store in stores)
    assert not any(store.host.file("/opt/mlflow/data/rustfs").exists for store in stores)


def test_the_port_is_open_to_mlflow_and_to_each_other(platform: Platform, stores: list[Platform]) -> None:
    for store in stores:
        bindings = store.container("rustfs")["HostConfig"]["PortBindings"]
        assert bindings == {"9000/tcp": [{"HostIp": store.address, "HostPort": "9000"}]}
        for client in (platform, *stores):
            assert reaches(client, store.address, PORT), (client.name, store.name)
        with pytest.raises(TimeoutError):
            socket.create_connection((store.address, 9000), 3).close()
    rules = stores[0].host.check_output("nft list table inet onprem_mlflow")
    clients = sorted(server.address for server in (platform, *stores[1:]))
    assert all(address in rules for address in clients)
    assert stores[0].address not in rules


def test_what_they_say_is_encrypted(platform: Platform, stores: list[Platform]) -> None:
    for number, store in enumerate(stores, start=1):
        for name in ("rustfs", f"rustfs-{number}"):
            assert encryption(platform, store.address, PORT, name) == "TLSv1.3"
        assert not answers_in_the_clear(platform, store.address, PORT)


def test_the_keys_are_the_same_and_nobody_elses(platform: Platform, stores: list[Platform]) -> None:
    for key in KEYS:
        assert len({store.secret(key) for store in stores}) == 1, key
        for store in stores:
            kept = store.host.file(f"/opt/mlflow/secrets/{key}")
            assert (kept.mode, kept.uid) == (0o600, 10001)
    names = platform.host.check_output("find /opt/mlflow/secrets -name 'rustfs*'")
    assert names == ""
    only_first = [store.host.file("/opt/mlflow/secrets/bucket_secret_key").exists for store in stores]
    assert only_first == [True, False, False, False]


def test_no_secret_is_said_aloud(stores: list[Platform]) -> None:
    for store in stores:
        said = "\n".join(
            store.host.check_output(command)
            for command in (
                "docker logs mlflow-rustfs-1 2>&1",
                "docker inspect mlflow-rustfs-1",
                "docker top mlflow-rustfs-1 -o pid,args",
                "journalctl --no-pager --quiet",
                "find /opt/mlflow -path /opt/mlflow/secrets -prune -o -type f -exec cat {} +",
            )
        )
        assert not [key for key in KEYS if store.secret(key) in said], store.name
        environment = store.host.check_output("docker exec mlflow-rustfs-1 cat /proc/1/environ | tr '\\0' '\\n'")
        assert f"RUSTFS_RPC_SECRET={store.secret('rustfs_rpc_secret')}" in environment.splitlines()


def test_what_cannot_be_is_refused(platform: Platform) -> None:
    for variables, sentence in (
        ({"rustfs_parity": 3}, "rustfs_parity: found 3, but the loss of a server takes 1 of 4 disks, write a"),
        ({"rustfs_disks": ["/srv/disk1/rustfs"]}, "rustfs_pools: found /srv/disk1/rustfs of "),
        ({"rustfs_disks": []}, "rustfs_pools: found the platform's own folder of "),
    ):
        refused = platform.site(**variables)
        assert refused.returncode != 0
        assert not refused.changed
        assert sentence in refused.message


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    platform.assert_settled()
