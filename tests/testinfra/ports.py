"""What a server of the lab gets from a port of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Platform

REACH = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
# Fails where the certificate is not for the name, or of another authority than the platform's.
CONNECT = (
    "import socket, ssl, sys; context = ssl.create_default_context(cafile='/opt/mlflow/config/peers/ca.pem');"
    " stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5);"
    " print(context.wrap_socket(stream, server_hostname=sys.argv[3]).version())"
)
PLAIN = (
    "import http.client, sys; connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=5);"
    " connection.request('GET', '/health'); print(connection.getresponse().status)"
)


def reaches(client: Platform, address: str, port: int) -> bool:
    return bool(client.host.run("python3 -c %s %s %s", REACH, address, str(port)).rc == 0)


def encryption(client: Platform, address: str, port: int, name: str) -> str:
    """Return the version of TLS that is spoken with the server of a name."""
    return str(client.host.check_output("python3 -c %s %s %s %s", CONNECT, address, str(port), name))


def answers_in_the_clear(client: Platform, address: str, port: int) -> bool:
    return bool(client.host.run("python3 -c %s %s %s", PLAIN, address, str(port)).rc == 0)
