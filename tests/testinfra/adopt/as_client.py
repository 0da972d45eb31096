"""Run a program of tests/old_stacks as a client for whom mlflow.lab is the scenario's server.

python as_client.py ADDRESS PROGRAM [WORD ...]
"""

from __future__ import annotations

import runpy
import socket
import sys
from typing import Any

ADDRESS, PROGRAM = sys.argv[1:3]
original = socket.getaddrinfo


def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
    """Answer as the users' name server would."""
    return original(ADDRESS if host == "mlflow.lab" else host, *arguments, **options)


socket.getaddrinfo = resolve
sys.argv = sys.argv[2:]
runpy.run_path(PROGRAM, run_name="__main__")
