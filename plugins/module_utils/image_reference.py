# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images, as options hold them: with a registry or without, with a tag, a digest or both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REFERENCE = re.compile(
    rf"(?P<repository>(?:(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d+)?/)?{_PART}(?:/{_PART})*)"
    rf"(?::(?P<tag>{TAG.pattern}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class ImageReference:
    """Where an image is found."""

    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Take a reference apart, or say what one looks like."""
        match = _REFERENCE.fullmatch(text)
        if not match:
            raise InputError(
                f"found {text!r}, write a name with a tag or a digest, such as mysql:9.7,"
                " registry.example.org:5000/mysql:9.7 or mysql@sha256: with its 64 digits."
            )
        return cls(match["repository"], match["tag"], match["digest"])
