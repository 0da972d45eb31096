"""An object store of four servers, and the server that has everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import INVENTORY, Platform

STORES = 4
Ask = Callable[[str], Any]

# Runs inside MLflow's container, which reaches all servers by one name, with keys from standard input.
ADMINISTRATOR = """
import json, ssl, sys, urllib.request
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
request = AWSRequest(method="GET", url="https://rustfs:9000/rustfs/admin/v3/" + sys.argv[1], data=b"")
S3SigV4Auth(Credentials(*json.load(sys.stdin)), "s3", "us-east-1").add_auth(request)
prepared = request.prepare()
asked = urllib.request.Request(prepared.url, headers=dict(prepared.headers))
trusted = ssl.create_default_context(cafile="/etc/mlflow-platform/s3_ca.pem")
print(urllib.request.urlopen(asked, timeout=30, context=trusted).read().decode())
"""


@pytest.fixture(scope="session")
def platform() -> Platform:
    """The server that clients come to."""
    return Platform(INVENTORY, "mlflow_proxy")


@pytest.fixture(scope="session")
def stores() -> list[Platform]:
    return [Platform(INVENTORY, "mlflow_object_store", number) for number in range(STORES)]


@pytest.fixture(scope="session")
def administrator(platform: Platform, stores: list[Platform]) -> Ask:
    """Ask RustFS's admin API as MLflow's server reaches it."""

    def ask(question: str) -> Any:
        keys = [stores[1].secret("rustfs_root_access_key"), stores[1].secret("rustfs_root_secret_key")]
        platform.write("/run/keys", json.dumps(keys))
        answer = platform.host.check_output(
            "docker exec --interactive mlflow-mlflow-1 python3 -c %s %s < /run/keys; rm /run/keys",
            ADMINISTRATOR,
            question,
        )
        return json.loads(answer)

    return ask
