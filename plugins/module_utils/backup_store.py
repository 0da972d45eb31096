# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The object store of a platform that is backed up, as its own server reaches it."""

from __future__ import annotations

import json
import subprocess

from ansible_collections.onprem.mlflow.plugins.module_utils import s3_store
from ansible_collections.onprem.mlflow.plugins.module_utils.backup_settings import Settings
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store

PORT = 9000


def store_of(settings: Settings) -> Store:
    """Return address and key; they are MLflow's own."""
    artifacts = settings.artifacts
    return s3_store.store_of(
        {
            "endpoint_url": artifacts.endpoint_url
            or f"http://{address_of(artifacts.container, artifacts.network)}:{PORT}",
            "access_key": settings.secret("mlflow_s3_access_key"),
            "secret_key": settings.secret("mlflow_s3_secret_key"),
            "region": artifacts.region,
            "ca_certificate": artifacts.ca_certificate,
        },
        "backup",
    )


def address_of(container: str, network: str) -> str:
    """Return the address at which the server itself reaches a container."""
    done = subprocess.run(
        ["docker", "inspect", "--type=container", container], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    found = json.loads(done.stdout or b"[]")
    networks = found[0]["NetworkSettings"]["Networks"] if found else {}
    address = str(networks.get(network, {}).get("IPAddress") or "")
    if not address:
        raise InputError(f"The container {container} does not run on the network {network}: start it.")
    return address
