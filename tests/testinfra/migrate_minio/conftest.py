"""Both object stores of the scenario, asked from the server, and MLflow's client."""

from __future__ import annotations

import json
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..conftest import ROOT, names_lead_to

if TYPE_CHECKING:
    from ..conftest import Platform

HERE = Path(__file__).resolve().parent
MANIFEST = ROOT / ".cache" / "migrate_minio.json"
Contents = dict[str, dict[str, dict[str, Any]]]


def contents(platform: Platform, endpoint_url: str, access_key: str, secret_key: str) -> Contents:
    """Read every object of a store."""
    order = {"endpoint_url": endpoint_url, "access_key": access_key, "secret_key": secret_key}
    platform.write("/run/stores.py", (HERE / "stores.py").read_text())
    command = ["docker", "exec", "--interactive", platform.name, "python3", "/run/stores.py"]
    done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, check=True)
    found: Contents = json.loads(done.stdout)
    return found


@pytest.fixture
def minio(platform: Platform) -> Callable[[], Contents]:
    source = platform.variables["minio_migration_source"]
    keys = platform.variables["old_minio_access_key"], platform.variables["old_minio_secret_key"]
    return lambda: contents(platform, source["endpoint_url"], *keys)


@pytest.fixture
def rustfs(platform: Platform) -> Callable[[], Contents]:
    networks = platform.container("rustfs")["NetworkSettings"]["Networks"]
    address = f"http://{networks['mlflow_back']['IPAddress']}:9000"
    keys = platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key")
    return lambda: contents(platform, address, *keys)


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
