"""Measure backup and restore against plain copies of the same data, on a lab server: `python -m tools.backup_figures`.

The lab of `make lab` has to run. Its bucket is filled, backed up twice into a folder, and put back; what is compared
with is rclone's copy of the bucket to a folder of the same disk, and back. 14 GiB have to be free.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INVENTORY = "inventories/lab"
SERVER = "onprem-mlflow-lab-server"
PROJECT = "/opt/mlflow"
WORK = "/srv/onprem-figures"
REPEATS = 3
BIG, BIG_BYTES = 100, 40 << 20
SMALL, SMALL_BYTES = 1500, 20 << 10

# The bucket as a remote of the name `store`, with MLflow's own key.
REMOTE = f"""
address=$(docker inspect --format '{{{{.NetworkSettings.Networks.mlflow_back.IPAddress}}}}' mlflow-rustfs-1)
export RCLONE_CONFIG= RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=Other
export RCLONE_CONFIG_STORE_FORCE_PATH_STYLE=true
export RCLONE_CONFIG_STORE_ENDPOINT=http://$address:9000 RCLONE_CONFIG_STORE_REGION=us-east-1
export RCLONE_CONFIG_STORE_ACCESS_KEY_ID=$(cat {PROJECT}/secrets/mlflow_s3_access_key)
export RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY=$(cat {PROJECT}/secrets/mlflow_s3_secret_key)
export RCLONE_S3_NO_CHECK_BUCKET=true
"""
FILL = f"""
mkdir -p {WORK}/made/big {WORK}/made/small
for number in $(seq {BIG}); do head -c {BIG_BYTES} /dev/urandom > {WORK}/made/big/$number; done
for number in $(seq {SMALL}); do head -c {SMALL_BYTES} /dev/urandom > {WORK}/made/small/$number; done
"""


def on_server(script: str) -> float:
    """Run a script on the lab server, and return how long it took, in seconds."""
    start = time.monotonic()
    command = ["docker", "exec", "--interactive", SERVER, "bash", "-euo", "pipefail", "-s"]
    subprocess.run(command, input=REMOTE + script, check=True, text=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def play(*words: str) -> None:
    """Run Ansible against the lab."""
    subprocess.run([*words, "-i", INVENTORY], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def put_back() -> float:
    """Restore the artifacts alone, and return how long the module took, in seconds."""
    start = time.monotonic()
    arguments = {"project_dir": PROJECT, "backup": "latest", "part": "artifacts", "disks": [PROJECT]}
    play("ansible", "mlflow_tracking", "-m", "onprem.mlflow.backup_restore", "-a", json.dumps(arguments))
    return time.monotonic() - start


def deploy() -> None:
    """Have backups into a folder of the same disk."""
    variables = {"backup_repository": f"{WORK}/repository", "backup_same_disk": True}
    play("ansible-playbook", "site.yml", "--extra-vars", json.dumps(variables))


def once() -> tuple[float, float, float, float, float]:
    """Measure plain copy, first backup, second backup, plain copy back, and restore."""
    on_server(f"rm -rf {WORK}/plain {WORK}/repository && rm -f {PROJECT}/backups/work/objects.jsonl")
    deploy()
    plain = on_server(f"rclone copy store:mlflow {WORK}/plain && sync")
    first = on_server("systemctl start mlflow-backup && sync")
    second = on_server("systemctl start mlflow-backup && sync")
    on_server("rclone delete store:mlflow/figures")
    back = on_server(f"rclone copy {WORK}/plain/figures store:mlflow/figures && sync")
    on_server("rclone delete store:mlflow/figures")
    return plain, first, second, back, put_back()


def bucket_mib() -> float:
    """Return how much the whole bucket holds, which a backup takes and a copy of it does."""
    command = ["docker", "exec", SERVER, "du", "--summarize", "--bytes", f"{WORK}/plain"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]) / (1 << 20)


def row(what: str, this: str, that: str, ratio: float, aim: str) -> str:
    """Return a line of the table."""
    return f"| {what} | {this} | {that} | {ratio:.2f} | {aim} |"


def main() -> None:
    deploy()
    on_server(FILL)
    on_server(f"rclone copy {WORK}/made store:mlflow/figures && rm -r {WORK}/made")
    rows = [once() for _ in range(REPEATS)]
    plain, first, second, back, restored = (statistics.median(column) for column in zip(*rows, strict=True))
    made = (BIG * BIG_BYTES + SMALL * SMALL_BYTES) / (1 << 20)
    whole = bucket_mib()
    print(
        f"{made:.0f} MiB in {BIG + SMALL} objects, {whole:.0f} MiB with what clients have logged, medians of {REPEATS}"
    )
    for what, mib, this, that in (
        ("first backup ÷ plain copy, bytes per second", whole, first, plain),
        ("restore ÷ plain copy back, bytes per second", made, restored, back),
    ):
        print(row(what, f"{mib / this:.0f} MiB/s", f"{mib / that:.0f} MiB/s", that / this, "0.7 or more"))
    print(
        row(
            "second backup of unchanged data ÷ first",
            f"{second:.1f} s",
            f"{first:.1f} s",
            second / first,
            "0.1 or less",
        )
    )
    on_server(f"rclone delete store:mlflow/figures && rm -rf {WORK}")


if __name__ == "__main__":
    main()
