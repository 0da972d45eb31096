"""Ask MLflow's API a question that needs the database; its own /health answers without one."""

import http.client
import os
import ssl
import sys

PORT = int(os.environ["MLFLOW_PORT"])
PREFIX = os.environ.get("MLFLOW_STATIC_PREFIX", "").rstrip("/")
PATH = f"{PREFIX}/api/2.0/mlflow/experiments/search?max_results=1"
# With MLflow's own login: a user without a name cannot be. To refuse it MLflow looks among the users in the database.
NOBODY = {"Authorization": "Basic Og=="}
LOGIN = "MLFLOW_AUTH_CONFIG_PATH" in os.environ
# Where proxies on other servers reach it, MLflow has a certificate, which names localhost too.
CA_FILE = os.environ.get("ONPREM_CA_FILE")


def connect() -> http.client.HTTPConnection:
    if CA_FILE:
        context = ssl.create_default_context(cafile=CA_FILE)
        return http.client.HTTPSConnection("localhost", PORT, timeout=10, context=context)
    return http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)


def status() -> int:
    connection = connect()
    connection.request("GET", PATH, headers=NOBODY if LOGIN else {})
    answer = connection.getresponse()
    answer.read()
    return answer.status


wanted, found = 401 if LOGIN else 200, status()
if found != wanted:
    sys.exit(f"{PATH} answered {found} in place of {wanted}.")
