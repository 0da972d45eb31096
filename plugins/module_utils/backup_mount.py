# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bucket as a folder of the server, for as long as a backup reads it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store

WAIT_SECONDS = 60
_END_SECONDS = 30


def rclone_environment(store: Store) -> dict[str, str]:
    """Return the settings of a remote of the name `store`, which rclone takes from its environment."""
    return {
        "RCLONE_CONFIG": "",
        "RCLONE_CONFIG_STORE_TYPE": "s3",
        "RCLONE_CONFIG_STORE_PROVIDER": "Other",
        "RCLONE_CONFIG_STORE_ENDPOINT": store.endpoint_url,
        "RCLONE_CONFIG_STORE_REGION": store.region,
        "RCLONE_CONFIG_STORE_ACCESS_KEY_ID": store.access_key,
        "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY": store.secret_key,
        "RCLONE_CONFIG_STORE_FORCE_PATH_STYLE": "true",
        **({"RCLONE_CA_CERT": store.ca_certificate} if store.ca_certificate else {}),
    }


def mount_command(bucket: str, folder: Path) -> list[str]:
    """Return the command that shows a bucket as a folder.

    `mount2`, since extended attributes are an error of the other one. Times are the listing's, or each object would be
    asked for its own.
    """
    return [
        "rclone",
        "mount2",
        f"store:{bucket}",
        str(folder),
        "--read-only",
        "--use-server-modtime",
        "--vfs-cache-mode=off",
        "--vfs-read-chunk-size=64M",
        "--dir-cache-time=1000h",
        "--attr-timeout=1h",
        "--poll-interval=0",
        "--dir-perms=0500",
        "--file-perms=0400",
        "--log-level=ERROR",
    ]


@contextlib.contextmanager
def mounted(store: Store, bucket: str, folder: Path) -> Iterator[None]:
    """Show a bucket as a folder; raise InputError where that cannot be, or ended before the reader did."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unmount(folder)
    log = folder.parent / "rclone.log"
    with log.open("w", encoding="utf-8") as errors, _running(mount_command(bucket, folder), store, errors) as process:
        end = time.monotonic() + WAIT_SECONDS
        while not os.path.ismount(folder):
            if process.poll() is not None or time.monotonic() > end:
                raise InputError(f"The bucket {bucket} cannot be shown as a folder: {_said(log)}")
            time.sleep(0.1)
        try:
            yield
            if process.poll() is not None:
                raise InputError(f"The bucket {bucket} was no folder any more while it was read: {_said(log)}")
        finally:
            unmount(folder)


@contextlib.contextmanager
def _running(command: list[str], store: Store, errors: object) -> Iterator[subprocess.Popen[bytes]]:
    environment: Mapping[str, str] = {**os.environ, **rclone_environment(store)}
    process: subprocess.Popen[bytes] = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=errors,
        stderr=errors,  # type: ignore[call-overload]
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def unmount(folder: Path) -> None:
    """Take a folder's mount away, though somebody may still read there."""
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _said(log: Path) -> str:
    text = " ".join(log.read_text(encoding="utf-8", errors="replace").split())
    return text[-400:] or "rclone does not say why"
