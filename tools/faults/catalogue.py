"""All faults, each with the time within which the platform has to work again by itself."""

from __future__ import annotations

from tools.faults.clocks import ClockOff
from tools.faults.disks import DiskFull
from tools.faults.fault import Fault
from tools.faults.folders import Emptied, EmptiedAndRestarted, SecretsGone
from tools.faults.kills import (
    AllKilled,
    EngineKilled,
    EngineRestarted,
    Killed,
    ServerKilled,
    ServerRestarted,
    WorkerKilled,
)
from tools.faults.networks import Disconnected, Dropped
from tools.faults.outages import Frozen, Stopped
from tools.faults.uploads import KilledInAnUpload, StoppedInAnUpload

MINUTE, HALF = 60, 30

FAULTS: tuple[Fault, ...] = (
    Killed("mysql_killed", "MySQL is killed", 60, services=("mysql",)),
    Killed("rustfs_killed", "RustFS is killed", 30, services=("rustfs",)),
    Killed("mlflow_killed", "MLflow is killed", 60, services=("mlflow",)),
    WorkerKilled("worker_killed", "One of MLflow's workers is killed", 60),
    Killed("nginx_killed", "nginx is killed", 15, services=("nginx",)),
    AllKilled("all_killed", "All services are killed at once", 90),
    EngineRestarted("engine_restarted", "The engine is restarted", 30),
    EngineKilled("engine_killed", "The engine is killed", 30),
    ServerRestarted("server_restarted", "The server is restarted", 120),
    ServerKilled("server_killed", "All processes of the server are killed", 120),
    Stopped("mysql_stopped", "MySQL is stopped for a minute", 30, MINUTE, ("mysql",)),
    Frozen("mysql_frozen", "MySQL hangs for half a minute", 30, HALF, ("mysql",)),
    Disconnected("mysql_disconnected", "MySQL is off the network for half a minute", 30, HALF, ("mysql",)),
    Dropped("mysql_dropped", "Packets for MySQL vanish for a minute", 90, MINUTE, ("mysql",)),
    Dropped("rustfs_dropped", "Packets for RustFS vanish for half a minute", 90, HALF, ("rustfs",)),
    StoppedInAnUpload("rustfs_stopped", "RustFS is stopped for half a minute in an upload", 30, HALF, ("rustfs",)),
    KilledInAnUpload("upload_killed", "MLflow is killed in an upload", 60, services=("mlflow",)),
    DiskFull("rustfs_full", "RustFS's disk is full for half a minute", 30, HALF, "rustfs", "rustfs"),
    DiskFull("artifacts_full", "The artifacts' disk is full for half a minute", 30, HALF, "mlflow", "artifacts"),
    DiskFull("mysql_full", "MySQL's disk is full for half a minute", 90, HALF, "mysql", "mysql"),
    ClockOff("rustfs_clock", "RustFS's clock is a day ahead for half a minute", 30, HALF, ("rustfs",)),
    ClockOff("mlflow_clock", "MLflow's clock is a day ahead for half a minute", 30, HALF, ("mlflow",)),
    Emptied("config_emptied", "The folder `config` is emptied, `site.yml` is run", 30, 10),
    EmptiedAndRestarted(
        "config_emptied_restart",
        "… and nginx and MySQL are restarted before",
        30,
        services=("nginx", "mysql"),
    ),
    SecretsGone("secrets_gone", "The folder `secrets` is gone, `site.yml` is refused, it is put back", 30),
)
