"""Names of every Docker object that the lab makes."""

from __future__ import annotations

import re

from lab.errors import LabError

PREFIX = "onprem-mlflow-lab"
LABEL = "onprem.mlflow.lab"
RECIPE_LABEL = f"{LABEL}.recipe"
ROLE_LABEL = f"{LABEL}.role"

NETWORK = PREFIX
MIRROR = f"{PREFIX}-mirror"
MIRROR_VOLUME = f"{PREFIX}-mirror"
MIRROR_ALIAS = "mirror"
MIRROR_PORT = 5000
# What was built on this machine, for the next time.
BUILDKIT_VOLUME = f"{PREFIX}-buildkit"
RUSTFS_BUILD = f"{PREFIX}-rustfs-build"

DEFAULT_SERVER = "server"

_RESERVED = frozenset({MIRROR_ALIAS, "rustfs-build"})
_SERVER_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def image(name: str, tag: str) -> str:
    """Return the name that an image of the lab has on the host's own engine."""
    return f"{PREFIX}/{name}:{tag}"


def server(name: str) -> str:
    """Return the container name of the lab server *name*, refusing names that cannot be a host name."""
    if not _SERVER_NAME.fullmatch(name) or name in _RESERVED:
        raise LabError(
            f"server name: found {name!r}, write lower case letters, digits and hyphens (at most 32), "
            f"and none of {', '.join(sorted(_RESERVED))}."
        )
    return f"{PREFIX}-{name}"


def labels(role: str) -> dict[str, str]:
    """Return the labels that mark an object as the lab's, and what it is there for."""
    return {LABEL: "true", ROLE_LABEL: role}
