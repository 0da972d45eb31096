"""What a person needs to use the platform on a lab server: address, user, password."""

from __future__ import annotations

import re

from docker.models.containers import Container

from lab import command, server
from lab.errors import LabError

PASSWORD_FILE = "/opt/mlflow/secrets/nginx_user_admin_password"  # noqa: S105 - a path
USER = "admin"


def published_port(container: Container) -> int | None:
    """Return the port of this machine that leads to the server's MLflow."""
    ports = container.attrs["HostConfig"].get("PortBindings") or {}
    bound = ports.get(f"{server.PUBLISHED_PORT}/tcp")
    return int(bound[0]["HostPort"]) if bound else None


def password(container: Container) -> str:
    """Read the generated password of the first user on the server."""
    code, output = command.execute(container, ["cat", PASSWORD_FILE])
    if code != 0:
        raise LabError(
            f"{container.name} has no {PASSWORD_FILE} yet; run the playbook first: "
            "`ansible-playbook -i inventories/lab site.yml`."
        )
    return output.rstrip("\n")


def shell_word(text: str) -> str:
    """Return *text* as one word of a shell command."""
    if re.fullmatch(r"[A-Za-z0-9_./:-]+", text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def summary(container: Container) -> list[str]:
    """Return the lines of ``lab show``."""
    port = published_port(container)
    if port is None:
        raise LabError(f"{container.name} publishes no port on this machine; ask for the default server.")
    address = f"http://localhost:{port}"
    secret = password(container)
    return [
        "MLflow is ready:",
        f"  address   {address}",
        f"  user      {USER}",
        f"  password  {secret}",
        "",
        "From Python or the command line:",
        f"  export MLFLOW_TRACKING_URI={address}",
        f"  export MLFLOW_TRACKING_USERNAME={USER}",
        f"  export MLFLOW_TRACKING_PASSWORD={shell_word(secret)}",
    ]
