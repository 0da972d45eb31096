# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether `docker buildx` can build for some platforms and push: a trial of seconds, and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Ends the step of the trial that finds an image of another platform.
WRONG_PLATFORM = 3

_RECIPE = """\
FROM {base} AS base
ARG TARGETARCH
RUN found="$(dpkg --print-architecture)"; test "$found" = "$TARGETARCH" || exit {wrong}
FROM scratch
COPY --from=base /etc/debian_version /
"""
_DRIVER = re.compile(r"^Driver:\s+(\S+)", re.MULTILINE)
_ERROR = re.compile(r"^ERROR: (?:failed to (?:build|solve): )*(.+)", re.MULTILINE)
_SINGLE_PLATFORM = re.compile(r"not supported for (?:the )?docker driver")
_NO_PLATFORM = re.compile(rf"no match for platform|did not complete successfully: exit code: {WRONG_PLATFORM}\b")
_REFUSED = re.compile(r"\b40[13]\b|unauthorized|forbidden|denied|authoriz|credentials", re.IGNORECASE)


def recipe(base: str) -> str:
    """Return a recipe that has what the real one needs: the base image of each platform, and its programs run."""
    return _RECIPE.format(base=base, wrong=WRONG_PLATFORM)


def driver(inspected: str) -> str:
    """Return the driver of the builder that `docker buildx inspect` described."""
    found = _DRIVER.search(inspected)
    return found.group(1) if found else ""


def trial(name: str, platforms: Sequence[str], folder: str, builder_driver: str) -> list[str]:
    """Return the words of a build of the folder's recipe that ends up in the registry under no tag.

    The engine's own builder can push no image without a tag, so what it builds stays where it is.
    """
    output = "type=cacheonly" if builder_driver == "docker" else f"type=image,name={name},push-by-digest=true,push=true"
    return ["buildx", "build", "--progress", "plain", "--platform", ",".join(platforms), "--output", output, folder]


def last_error(text: str) -> str:
    """Return what buildx printed last, without what stands before every error."""
    errors = _ERROR.findall(text) or text.strip().splitlines() or ["it said nothing"]
    return str(errors[-1]).strip().rstrip(".")


def explain(text: str, name: str, base: str, platforms: Sequence[str]) -> str:
    """Say in one sentence why a trial failed, from what it printed."""
    wanted = " and ".join(platforms)
    error = last_error(text)
    if _SINGLE_PLATFORM.search(error):
        return (
            f"mlflow_publish_platforms: found {wanted}, but the engine's own builder makes an image for one platform,"
            " run `docker buildx create --use` before, or write one platform."
        )
    if _NO_PLATFORM.search(error):
        return (
            f"mlflow_python_image: found {base!r}, which is not there for each of {wanted},"
            " write one that is, or write fewer mlflow_publish_platforms."
        )
    if "did not complete successfully" in error:
        return (
            f"mlflow_publish_platforms: found {wanted}, but the builder cannot run programs of all of them,"
            " install QEMU with binfmt_misc on its machine, or write fewer."
        )
    if "failed to push" in error and _REFUSED.search(error):
        return (
            f"mlflow_publish_name: found {name!r}, but the registry refuses the login,"
            f" write another mlflow_publish_login or run `docker login` before: {error}."
        )
    if "failed to push" in error:
        return (
            f"mlflow_publish_name: found {name!r}, but the builder cannot push there,"
            f" write a registry that it reaches and trusts: {error}."
        )
    return f"mlflow_python_image: found {base!r}, but the builder cannot build on it: {error}."
