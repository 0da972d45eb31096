"""Fill a bucket as MLflow's client would, with boto3, so that it runs on a lab server as it is.

Reads its task as JSON from standard input: `store` (endpoint_url, access_key, secret_key), `bucket`, `small` (how many
objects of 4 to 64 KiB), `large` (sizes in bytes of objects in parts) and `seed`; prints what it wrote as JSON.
"""

from __future__ import annotations

import io
import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig

THREADS = 8
LEAST, MOST = 4 << 10, 64 << 10
# What boto3 does by itself.
PART = 8 << 20


class Noise(io.RawIOBase):
    """Bytes that do not repeat, as many as told, made while they are read."""

    def __init__(self, seed: str, size: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 (content, not a secret)
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._left)
        buffer[:count] = self._random.randbytes(count)
        self._left -= count
        return count


def main() -> None:
    task = json.load(sys.stdin)
    bucket, seed = task["bucket"], task["seed"]
    client = boto3.client(
        "s3",
        endpoint_url=task["store"]["endpoint_url"],
        aws_access_key_id=task["store"]["access_key"],
        aws_secret_access_key=task["store"]["secret_key"],
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=bucket)
    sizes = random.Random(seed)  # noqa: S311 (content, not a secret)
    small = [sizes.randint(LEAST, MOST) for _ in range(task["small"])]

    def put(number: int) -> None:
        # Fifty artifacts a run, in folders as MLflow names them.
        run = random.Random(f"{seed} {number // 50}").randbytes(16).hex()  # noqa: S311 (a name, not a secret)
        body = random.Random(f"{seed} small {number}").randbytes(small[number])  # noqa: S311 (content, not a secret)
        client.put_object(
            Bucket=bucket,
            Key=f"1/{run}/artifacts/model/file {number % 50:02d}.bin",
            Body=body,
            ContentType="application/octet-stream",
        )

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(put, range(len(small))))
    # Threads would only fight for the processor: the bytes are made here.
    transfer = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    for number, size in enumerate(task["large"]):
        body = io.BufferedReader(Noise(f"{seed} large {number}", size), PART)
        client.upload_fileobj(body, bucket, f"2/large/artifacts/weights-{number:03d}.bin", Config=transfer)
    print(json.dumps({"objects": len(small) + len(task["large"]), "bytes": sum(small) + sum(task["large"])}))


if __name__ == "__main__":
    main()
