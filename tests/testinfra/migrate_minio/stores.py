"""Run on the server by the tests: what a store holds, with nothing of the collection. Prints JSON."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

import boto3
from botocore.config import Config

HEADERS = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")


def describe(s3: Any, bucket: str, key: str) -> dict[str, Any]:
    """Read one object whole."""
    answer = s3.get_object(Bucket=bucket, Key=key)
    digest = hashlib.sha256()
    for block in answer["Body"].iter_chunks(1 << 20):
        digest.update(block)
    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {
        "sha256": digest.hexdigest(),
        "size": answer["ContentLength"],
        "headers": {name: answer.get(name) for name in HEADERS},
        "metadata": answer["Metadata"],
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def main() -> None:
    order = json.load(sys.stdin)
    s3 = boto3.client(
        "s3",
        endpoint_url=order["endpoint_url"],
        aws_access_key_id=order["access_key"],
        aws_secret_access_key=order["secret_key"],
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )
    found: dict[str, dict[str, Any]] = {}
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=order["prefix"])
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        found[name] = {key: describe(s3, name, key) for key in keys}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
