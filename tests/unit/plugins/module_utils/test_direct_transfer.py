# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be so for clients to go to the object store themselves."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.direct_transfer import check_direct_transfer

MLFLOW = {"host_names": ["mlflow.lab"], "port": 15000, "users": [{"name": "admin"}]}


def values(*hosts: Any, **more: Any) -> dict[str, Any]:
    return {"mlflow_platform_direct_transfer": True, "nginx_virtual_hosts": [MLFLOW, *hosts], **more}


def s3(*names: str, **more: Any) -> dict[str, Any]:
    return {"host_names": list(names or ("s3.lab",)), "port": 15000, "service": "s3", **more}


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"mlflow_platform_direct_transfer": False, "mlflow_platform_artifact_store": "local"},
        values(s3()),
        values(s3(tls="provided"), s3("10.0.0.1", allow=["10.0.0.0/8"])),
        values({**s3(), "port": 0}),
    ],
)
def test_nothing_to_complain_about(good: dict[str, Any]) -> None:
    assert check_direct_transfer(good) == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (
            values(s3(), mlflow_platform_artifact_store="s3"),
            "mlflow_platform_direct_transfer: is for the platform's own object",
        ),
        (
            values(s3(), nginx_publish="traefik"),
            "mlflow_platform_direct_transfer: MLflow would look for the object store",
        ),
        (
            values(),
            "mlflow_platform_direct_transfer: needs a virtual host with service s3, add one to nginx_virtual_hosts.",
        ),
        (values(None), "mlflow_platform_direct_transfer: needs a virtual host with service s3"),
        (values(s3("10.0.0.1", "s3.lab")), "nginx_virtual_hosts[1].host_names: found '10.0.0.1' as the first with"),
        (values(s3("[::1]")), "nginx_virtual_hosts[1].host_names: found '[::1]' as the first with"),
        (values(s3("localhost")), "nginx_virtual_hosts[1].host_names: found 'localhost' as the first with"),
        (values(s3("*.s3.lab")), "nginx_virtual_hosts[1].host_names: found '*.s3.lab' as the first with"),
        (values(s3(allow=["10.0.0.0/8"])), "nginx_virtual_hosts[1].allow: MLflow itself comes there with"),
        (values(s3(tls="self_signed")), "nginx_virtual_hosts[1].tls: found 'self_signed', whose authority MLflow"),
    ],
)
def test_each_problem_gets_one_sentence(bad: dict[str, Any], sentence: str) -> None:
    problems = check_direct_transfer(bad)

    assert len(problems) == 1
    assert problems[0].startswith(sentence)
