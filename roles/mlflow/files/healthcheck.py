"""Ask MLflow's API a question that needs the database; its own /health answers without one."""

import os
import sys
import urllib.error
import urllib.request

PORT = os.environ["MLFLOW_PORT"]
PREFIX = os.environ.get("MLFLOW_STATIC_PREFIX", "").rstrip("/")
URL = f"http://127.0.0.1:{PORT}{PREFIX}/api/2.0/mlflow/experiments/search?max_results=1"
# With MLflow's own login: a user without a name cannot be. To refuse it MLflow looks among the users in the database.
NOBODY = {"Authorization": "Basic Og=="}
LOGIN = "MLFLOW_AUTH_CONFIG_PATH" in os.environ


def status() -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, headers=NOBODY if LOGIN else {}), timeout=10) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


wanted, found = 401 if LOGIN else 200, status()
if found != wanted:
    sys.exit(f"{URL} answered {found} in place of {wanted}.")
