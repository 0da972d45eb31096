"""MLflow's key opens its own bucket and nothing else of the object store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from testinfra.host import Host

if TYPE_CHECKING:
    from ..conftest import Platform

# Runs inside MLflow's container, with the key that MLflow itself has.
TRY = """
import boto3, json, sys
from botocore.exceptions import ClientError
from pathlib import Path
key, secret = (Path("/run/secrets", name).read_text() for name in ("mlflow_s3_access_key", "mlflow_s3_secret_key"))
s3 = boto3.client("s3", endpoint_url="http://rustfs:9000", aws_access_key_id=key, aws_secret_access_key=secret)
def attempt(action):
    try:
        action()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
print(json.dumps({
    "put": attempt(lambda: s3.put_object(Bucket="mlflow", Key="try", Body=b"x")),
    "get": attempt(lambda: s3.get_object(Bucket="mlflow", Key="try")),
    "delete": attempt(lambda: s3.delete_object(Bucket="mlflow", Key="try")),
    "list": attempt(lambda: s3.list_objects_v2(Bucket="mlflow")),
    "put elsewhere": attempt(lambda: s3.put_object(Bucket="elsewhere", Key="try", Body=b"x")),
    "get elsewhere": attempt(lambda: s3.get_object(Bucket="elsewhere", Key="there")),
    "list elsewhere": attempt(lambda: s3.list_objects_v2(Bucket="elsewhere")),
    "create": attempt(lambda: s3.create_bucket(Bucket="another")),
    "delete bucket": attempt(lambda: s3.delete_bucket(Bucket="mlflow")),
    "policy": attempt(lambda: s3.put_bucket_policy(Bucket="mlflow", Policy="{}")),
    "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
}))
"""
# Runs beside it with the root key, which is handed over by standard input.
ELSEWHERE = """
import boto3, json, sys
key, secret = json.load(sys.stdin)
s3 = boto3.client("s3", endpoint_url="http://rustfs:9000", aws_access_key_id=key, aws_secret_access_key=secret)
if "elsewhere" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
    s3.create_bucket(Bucket="elsewhere")
s3.put_object(Bucket="elsewhere", Key="there", Body=b"x")
"""


@pytest.fixture(autouse=True)
def _only_with_an_object_store(platform: Platform) -> None:
    if platform.store != "rustfs":
        pytest.skip("artifacts are in a local folder")


@pytest.fixture
def another_bucket(platform: Platform, server: Host) -> None:
    keys = json.dumps([platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key")])
    platform.write("/run/keys", keys)
    server.check_output("docker exec --interactive mlflow-mlflow-1 python3 -c %s < /run/keys; rm /run/keys", ELSEWHERE)


@pytest.mark.usefixtures("another_bucket")
def test_key_is_limited_to_the_bucket(server: Host) -> None:
    answers = json.loads(server.check_output("docker exec mlflow-mlflow-1 python3 -c %s", TRY))
    assert {name: answers[name] for name in ("put", "get", "delete", "list")} == dict.fromkeys(
        ("put", "get", "delete", "list"), "done"
    )
    refused = ("put elsewhere", "get elsewhere", "list elsewhere", "create", "delete bucket", "policy")
    assert {name: answers[name] for name in refused} == dict.fromkeys(refused, "AccessDenied")
    assert answers["buckets"] == ["mlflow"]
