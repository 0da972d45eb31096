# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine is asked for to run a container like another one; the scenario runs it on a real engine."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.container_twin import digest_of, twin_of

KEY = "/run/secrets/key"
OTHER: dict[str, Any] = {
    "Image": "sha256:8e2593",
    "Config": {
        "Hostname": "af19a9c02288",
        "User": "10010:10010",
        "Env": ["STORE=http://minio:9000", "BUNDLE=/ca.pem", "OPTIONS=--a=b --c"],
        "Image": "onprem/mlflow:3.17.2",
        "Labels": {"com.docker.compose.project": "mlflow", "onprem.mlflow.schema": "0f2c"},
    },
    "HostConfig": {
        "NetworkMode": "mlflow_front",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "PortBindings": {"5000/tcp": [{"HostPort": "5000"}]},
        "Mounts": [{"Type": "bind", "Source": "/opt/key", "Target": KEY, "ReadOnly": True}],
    },
}


def twin(**changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "environment": {"STORE": "http://rustfs:9000", "BUNDLE": None},
        "files": {KEY: "/opt/standby"},
        "networks": ["mlflow_back"],
        **changes,
    }
    return twin_of(deepcopy(OTHER), **options)


def test_all_but_what_is_told_stays() -> None:
    body = twin()

    assert body["Env"] == ["OPTIONS=--a=b --c", "STORE=http://rustfs:9000"]
    assert (body["User"], body["Image"]) == ("10010:10010", "onprem/mlflow:3.17.2")
    host = body["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    assert host["Mounts"] == [{"Type": "bind", "Source": "/opt/standby", "Target": KEY, "ReadOnly": True}]


def test_a_file_that_is_labelled_for_selinux_is_another_one_too() -> None:
    labelled = deepcopy(OTHER)
    labelled["HostConfig"]["Binds"] = ["/opt/spool:/spool:z", f"/opt/key:{KEY}:ro,z"]
    del labelled["HostConfig"]["Mounts"]

    body = twin_of(labelled, {}, {KEY: "/opt/standby"}, ["mlflow_back"])

    assert body["HostConfig"]["Binds"] == ["/opt/spool:/spool:z", f"/opt/standby:{KEY}:ro,z"]


def test_it_is_nobody_elses_and_publishes_nothing() -> None:
    body = twin()

    assert "Hostname" not in body
    assert set(body["Labels"]) == {"onprem.mlflow.schema", "onprem.mlflow.twin"}
    assert (body["HostConfig"]["NetworkMode"], body["HostConfig"]["PortBindings"]) == ("mlflow_back", {})
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"mlflow_back": {}}}


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": {}},
        {"files": {KEY: "/opt/other"}},
        {"networks": ["mlflow_back", "egress"]},
        {"content": "another key"},
    ],
)
def test_another_twin_has_another_digest(changes: dict[str, Any]) -> None:
    assert digest_of(twin()) == digest_of(twin())
    assert digest_of(twin(**changes)) != digest_of(twin())


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="/run/secrets/none"):
        twin(files={"/run/secrets/none": "/opt/standby"})
