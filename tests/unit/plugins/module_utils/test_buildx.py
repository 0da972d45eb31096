# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of buildx, and what its errors mean; tests/contract/test_publish.py asks a real one."""

from __future__ import annotations

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import buildx

NAME = "registry.example.org:5000/mlflow"
BASE = "python:3.13-slim"
BOTH = ("linux/amd64", "linux/arm64")
FAILED_STEP = 'process "/bin/sh -c found=..." did not complete successfully: exit code: '


def test_driver_of_the_builder() -> None:
    assert buildx.driver("Name:   multi\nDriver: docker-container\n\nNodes:\nName: multi0\n") == "docker-container"
    assert buildx.driver("") == ""


def test_what_is_pushed_has_no_tag() -> None:
    words = buildx.trial(NAME, BOTH, "/tmp/x", "docker-container")
    assert words[words.index("--platform") + 1] == "linux/amd64,linux/arm64"
    assert words[words.index("--output") + 1] == f"type=image,name={NAME},push-by-digest=true,push=true"


def test_the_engine_s_own_builder_pushes_nothing() -> None:
    assert "type=cacheonly" in buildx.trial(NAME, BOTH[:1], "/tmp/x", "docker")


def test_the_last_error_is_told() -> None:
    text = "#1 transferring\nERROR: failed to build: failed to solve: one\nmore\nERROR: failed to solve: two.\n\nView"
    assert buildx.last_error(text) == "two"
    assert buildx.last_error("unknown flag\n") == "unknown flag"
    assert buildx.last_error("") == "it said nothing"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            "multiple platforms feature is currently not supported for docker driver. Please switch",
            "mlflow_publish_platforms: found linux/amd64 and linux/arm64, but the engine's own builder makes",
        ),
        (
            "Multi-platform build is not supported for the docker driver.",
            "mlflow_publish_platforms: found linux/amd64 and linux/arm64, but the engine's own builder makes",
        ),
        (
            f"failed to solve: {BASE}: no match for platform in manifest: not found",
            "mlflow_python_image: found 'python:3.13-slim', which is not there for each of linux/amd64 and linux",
        ),
        (f"failed to solve: {FAILED_STEP}3", "mlflow_python_image: found 'python:3.13-slim', which is not there for"),
        (
            f"failed to solve: {FAILED_STEP}255",
            "mlflow_publish_platforms: found linux/amd64 and linux/arm64, but the builder cannot run programs of all",
        ),
        (
            f"failed to solve: failed to push {NAME}: unexpected status from POST request to x: 401 Unauthorized",
            f"mlflow_publish_name: found '{NAME}', but the registry refuses the login,",
        ),
        (
            f"failed to solve: failed to push {NAME}: dial tcp: lookup registry.example.org: no such host",
            f"mlflow_publish_name: found '{NAME}', but the builder cannot push there,",
        ),
        (
            f"failed to solve: {BASE}: failed to resolve source metadata for docker.io/x: i/o timeout",
            "mlflow_python_image: found 'python:3.13-slim', but the builder cannot build on it:",
        ),
    ],
)
def test_one_sentence_for_each_error(error: str, sentence: str) -> None:
    text = buildx.explain(f"#1 [internal] load\nERROR: {error}\n", NAME, BASE, BOTH)
    assert text.startswith(sentence), text
    assert text.endswith(".")
    assert "\n" not in text
