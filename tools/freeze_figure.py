"""Measure which share of a whole migration MLflow is frozen for, with the playbook, on the server of a scenario.

python -m tools.freeze_figure

Makes the old stack of scenario `migrate_minio`, fills MinIO as `tools.migration_figures` does, runs the
playbook and reads its report. Leaves nothing behind, unless it is told to keep the server.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tools.migration_figures import LARGE, on_server

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = "migrate_minio"
SERVER = "onprem-mlflow-lab-migrate-minio"
REPORT = "/opt/mlflow/migration/report.json"
BUCKET = "years"


def molecule(action: str) -> None:
    """Run one action of the scenario."""
    subprocess.run([sys.executable, "-m", "molecule", action, "--scenario-name", SCENARIO], cwd=ROOT, check=True)


def fill(small: int) -> Any:
    """Write the objects."""
    variables = yaml.safe_load((ROOT / "molecule" / SCENARIO / "group_vars" / "mlflow_platform.yml").read_text())
    store = variables["minio_migration_source"] | {
        "access_key": variables["old_minio_access_key"],
        "secret_key": variables["old_minio_secret_key"],
    }
    subprocess.run(["docker", "cp", ROOT / "tools" / "s3_fill.py", f"{SERVER}:/srv/s3_fill.py"], check=True)
    task = {"store": store, "bucket": BUCKET, "small": small, "large": LARGE, "seed": "freeze"}
    return json.loads(on_server("python3", "/srv/s3_fill.py", stdin=json.dumps(task), server=SERVER))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--small", type=int, default=20_000, help="how many objects of 4 to 64 KiB")
    parser.add_argument("--keep", action="store_true", help="keep the server, to look at it")
    options = parser.parse_args()
    for action in ("destroy", "create", "prepare"):
        molecule(action)
    filled = fill(options.small)
    molecule("converge")
    report = json.loads(on_server("cat", REPORT, server=SERVER))
    if not options.keep:
        molecule("destroy")
    print("| what | this | that | ratio | aim |", "|---|---|---|---|---|", sep="\n")
    print(
        f"| MLflow frozen ÷ whole migration, {filled['objects']:,} objects with {filled['bytes'] / 1e9:.1f} GB "
        f"| {report['frozen_seconds']} s | {report['seconds']} s | {report['frozen_share']:.2f} | 0.1 or less |"
    )


if __name__ == "__main__":
    main()
