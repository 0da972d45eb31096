"""RustFS as its administrator and as a client from outside see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from ..conftest import Platform

Ask = Callable[[str], Any]

# Runs inside MLflow's container, which has botocore, with the administrator's keys from standard input.
ADMINISTRATOR = """
import json, sys, urllib.request
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
request = AWSRequest(method="GET", url="http://rustfs:9000/rustfs/admin/v3/" + sys.argv[1], data=b"")
S3SigV4Auth(Credentials(*json.load(sys.stdin)), "s3", "us-east-1").add_auth(request)
prepared = request.prepare()
asked = urllib.request.Request(prepared.url, headers=dict(prepared.headers))
print(urllib.request.urlopen(asked, timeout=30).read().decode())
"""


@pytest.fixture(scope="session")
def administrator(platform: Platform) -> Ask:
    """Ask RustFS's admin API, which nobody reaches from outside."""

    def ask(question: str) -> Any:
        keys = json.dumps([platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key")])
        platform.write("/run/keys", keys)
        answer = platform.host.check_output(
            "docker exec --interactive mlflow-mlflow-1 python3 -c %s %s < /run/keys; rm /run/keys",
            ADMINISTRATOR,
            question,
        )
        return json.loads(answer)

    return ask


@pytest.fixture
def s3(platform: Platform, resolved: None) -> Callable[[str, str], Any]:
    """Make a client that comes through the virtual host of S3."""

    def client(access_key: str, secret_key: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url="http://s3.lab:15000",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    return client


@pytest.fixture
def bucket(platform: Platform, s3: Callable[[str, str], Any]) -> Any:
    """The client with the key that is limited to the bucket."""
    return s3("mlflow-artifacts", platform.secret("bucket_secret_key"))


@pytest.fixture
def root(platform: Platform, s3: Callable[[str, str], Any]) -> Any:
    return s3(platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key"))
