# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker Engine and which compose plugin answer on this server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Callable, NamedTuple

# Takes the words of a command, gives its exit status, standard output and standard error.
Runner = Callable[[Sequence[str]], tuple[int, str, str]]

_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Engine(NamedTuple):
    """Versions as numbers and dots; None where the part is missing or does not answer."""

    engine_version: str | None
    compose_version: str | None


def plain_version(text: str) -> str | None:
    """Return the first dotted number of what a command printed: `v2.26.1-4` gives `2.26.1`."""
    found = _VERSION.search(text)
    return found.group() if found else None


def find_engine(docker: str | None, run: Runner) -> Engine:
    """Ask the engine and the plugin behind the command `docker` (None: there is no such command)."""
    if docker is None:
        return Engine(None, None)

    def version(*words: str) -> str | None:
        status, out, _err = run([docker, *words])
        return plain_version(out) if status == 0 else None

    return Engine(
        engine_version=version("version", "--format", "{{.Server.Version}}"),
        compose_version=version("compose", "version", "--short"),
    )
