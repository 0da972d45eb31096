"""Ask MLflow's API a question that needs the database; its own /health answers without one."""

import os
import urllib.request

PORT = os.environ["MLFLOW_PORT"]
PREFIX = os.environ.get("MLFLOW_STATIC_PREFIX", "").rstrip("/")
URL = f"http://127.0.0.1:{PORT}{PREFIX}/api/2.0/mlflow/experiments/search?max_results=1"

with urllib.request.urlopen(URL, timeout=10) as answer:
    answer.read()
