"""Whether the platform does its work: a login, a question, a write, and an artifact there and back."""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPException

from tools.faults.client import EXPERIMENT
from tools.faults.door import ARTIFACTS, Door
from tools.faults.server import ANSWERS

API = "/api/2.0/mlflow"
TIMEOUT = 5
PAUSE = 0.5
JSON = {"Content-Type": "application/json"}


class Probe:
    """Asks the platform, with a run of its own."""

    def __init__(self, door: Door) -> None:
        self.door = door
        status, answer = door.request("GET", f"{API}/experiments/get-by-name?experiment_name={EXPERIMENT}", timeout=60)
        if status == 404:
            status, answer = self._post("experiments/create", {"name": EXPERIMENT}, 60)
            self.experiment = str(json.loads(answer)["experiment_id"])
        else:
            self.experiment = str(json.loads(answer)["experiment"]["experiment_id"])
        status, answer = self._post("runs/create", {"experiment_id": self.experiment}, 60)
        self.run = str(json.loads(answer)["run"]["info"]["run_id"])

    def _post(self, path: str, body: dict[str, object], timeout: float = TIMEOUT) -> tuple[int, bytes]:
        return self.door.request("POST", f"{API}/{path}", json.dumps(body).encode(), timeout=timeout, headers=JSON)

    def works(self) -> bool:
        """Ask once for everything."""
        path = f"{ARTIFACTS}/{self.experiment}/{self.run}/artifacts/probe.bin"
        now, sent = int(time.time() * 1000), os.urandom(1000)
        try:
            return (
                self.door.request("GET", f"{API}/experiments/search?max_results=1", timeout=TIMEOUT)[0] == 200
                and self._post(
                    "runs/log-metric", {"run_id": self.run, "key": "probe", "value": 1, "timestamp": now, "step": now}
                )[0]
                == 200
                and self.door.request("PUT", path, sent, timeout=TIMEOUT)[0] == 200
                and self.door.request("GET", path, timeout=TIMEOUT) == (200, sent)
            )
        except (OSError, HTTPException):
            return False

    def seconds_until_it_works(self, limit: float) -> float | None:
        """Return after how many seconds it had answered, the first time of several in a row, or None."""
        start = time.monotonic()
        while time.monotonic() - start < limit:
            if self.works():
                seconds = time.monotonic() - start
                if all(self.works() for _ in range(ANSWERS - 1)):
                    return seconds
            time.sleep(PAUSE)
        return None
