"""Both object stores of the scenario, asked from the server, and MLflow's client."""

from __future__ import annotations

import json
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from testinfra.backend.base import CommandResult

from ..conftest import ROOT, names_lead_to

if TYPE_CHECKING:
    from ..conftest import Platform

HERE = Path(__file__).resolve().parent
MANIFEST = ROOT / ".cache" / "migrate_minio.json"
Contents = dict[str, dict[str, dict[str, Any]]]


# A secret that a shell would take apart.
ALICE_SECRET = "alice's secret & more"


def rustfs_address(platform: Platform) -> str:
    """Where the server reaches RustFS."""
    return f"http://{platform.container('rustfs')['NetworkSettings']['Networks']['mlflow_back']['IPAddress']}:9000"


def minio_client(platform: Platform, **keys: tuple[str, str]) -> Callable[[str], CommandResult]:
    """Run MinIO's own client on the server, as MinIO's administrator or with keys of RustFS."""
    admin = platform.variables["old_minio_access_key"], platform.variables["old_minio_secret_key"]
    logins = {"minio": ("http://127.0.0.1:9000", admin)}
    logins |= {name: (rustfs_address(platform), key) for name, key in keys.items()}
    aliases = {
        name: {"url": url, "accessKey": key[0], "secretKey": key[1], "api": "S3v4", "path": "auto"}
        for name, (url, key) in logins.items()
    }
    platform.host.check_output("mkdir -p /run/mc")
    platform.write("/run/mc/config.json", json.dumps({"version": "10", "aliases": aliases}))
    return lambda words: platform.host.run(f"minio-client --config-dir /run/mc --quiet {words}")


def contents(platform: Platform, endpoint_url: str, access_key: str, secret_key: str, prefix: str = "") -> Contents:
    """Read every object of a store, or those whose keys begin with a prefix."""
    order = {"endpoint_url": endpoint_url, "access_key": access_key, "secret_key": secret_key, "prefix": prefix}
    platform.write("/run/stores.py", (HERE / "stores.py").read_text())
    command = ["docker", "exec", "--interactive", platform.machine, "python3", "/run/stores.py"]
    done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, check=True)
    found: Contents = json.loads(done.stdout)
    return found


@pytest.fixture
def s3(platform: Platform) -> Any:
    """A client of MinIO, as its administrator, at the address that the server has now."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://{platform.address}:9000",
        aws_access_key_id=platform.variables["old_minio_access_key"],
        aws_secret_access_key=platform.variables["old_minio_secret_key"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


@pytest.fixture
def minio(platform: Platform) -> Callable[..., Contents]:
    source = platform.variables["minio_migration_source"]
    keys = platform.variables["old_minio_access_key"], platform.variables["old_minio_secret_key"]
    return lambda prefix="": contents(platform, source["endpoint_url"], *keys, prefix)


@pytest.fixture
def rustfs(platform: Platform) -> Callable[..., Contents]:
    def read(prefix: str = "") -> Contents:
        # Only once RustFS runs there is a key.
        keys = platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key")
        return contents(platform, rustfs_address(platform), *keys, prefix)

    return read


@pytest.fixture
def client_program(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run a program of tests/old_stacks as a user of the platform."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.lab:15000")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", platform.password("admin"))

    def run(name: str, *words: str) -> None:
        monkeypatch.setattr("sys.argv", [name, *words])
        with names_lead_to(platform.address, ("mlflow.lab",)):
            main = runpy.run_path(str(ROOT / "tests" / "old_stacks" / name))["main"]
            if name == "check.py":
                with pytest.raises(SystemExit) as end:
                    main()
                assert not end.value.code
            else:
                main()

    return run
