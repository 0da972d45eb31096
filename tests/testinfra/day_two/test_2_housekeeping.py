"""What users have deleted goes for good when its time is over, and nothing else."""

# The names in the statements are the test's own.
# ruff: noqa: S608

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..conftest import PROJECT

if TYPE_CHECKING:
    from testinfra.host import Host

    from ..conftest import Platform
    from ..logged import Logged, Store

DAYS = 30
LONG_AGO = (DAYS + 1) * 86400 * 1000


def sql(platform: Platform, statement: str) -> str:
    """Ask MySQL as root; the password is the container's own."""
    platform.write("/root/statement.sql", statement)
    command = (
        "docker exec --interactive mlflow-mysql-1 sh -c"
        " 'MYSQL_PWD=\"$(cat /run/secrets/mysql_root_password)\" mysql --user=root --batch --skip-column-names mlflow'"
    )
    return str(platform.host.check_output(f"{command} < /root/statement.sql")).strip()


def files(platform: Platform, word: str) -> int:
    """Tell how many objects have a word in their key: folders of RustFS have the names of keys."""
    return int(platform.host.check_output("find %s/data/rustfs -path %s -name xl.meta | wc -l", PROJECT, f"*{word}*"))


def test_deleted_runs_and_their_models_go(
    platform: Platform, server: Host, store: Store, logged: Logged, tmp_path: Path
) -> None:
    platform.site(housekeeping_deleted_days=DAYS).assert_ok()
    client, gone = store.client, {}
    for name in ("recent", "old", "registered"):
        folder = tmp_path / name
        folder.mkdir()
        run = client.create_run(store.experiment).info.run_id
        (folder / "file.bin").write_bytes(b"x" * 5000)
        client.log_artifacts(run, str(folder))
        model = client.create_logged_model(store.experiment, name=f"model-{name}", source_run_id=run)
        client.log_model_artifacts(model.model_id, str(folder))
        client.finalize_logged_model(model.model_id, "READY")
        gone[name] = (run, model.model_id)
    client.create_registered_model("kept")
    run, model_id = gone["registered"]
    client.create_model_version("kept", f"models:/{model_id}", run, model_id=model_id)
    for run, _model in gone.values():
        client.delete_run(run)
        assert files(platform, run) == 1
    for name in ("old", "registered"):
        sql(platform, f"UPDATE runs SET deleted_time = deleted_time - {LONG_AGO} WHERE run_uuid = '{gone[name][0]}'")

    server.check_output(
        "touch -d '3 days ago' %s/data/mlflow-spool/left && touch %s/data/mlflow-spool/new", PROJECT, PROJECT
    )
    result = platform.play("playbooks/housekeeping.yml")
    result.assert_ok()
    assert "1 runs, 1 logged models, 0 experiments. Kept for registered models: 2." in result.output
    assert "Spool files removed: 1" in result.output

    left = sql(platform, "SELECT run_uuid FROM runs").split()
    models = sql(platform, "SELECT model_id FROM logged_models").split()
    for name, stays in (("recent", True), ("old", False), ("registered", True)):
        its_run, its_model = gone[name]
        assert (its_run in left, its_model in models) == (stays, stays), name
        assert (files(platform, its_run), files(platform, its_model)) == ((1, 1) if stays else (0, 0)), name
    client.restore_run(gone["recent"][0])
    store.assert_holds(logged, tmp_path / "there")


def test_a_deleted_experiment_goes_with_all_that_is_in_it(platform: Platform, store: Store, tmp_path: Path) -> None:
    client = store.client
    experiment = client.create_experiment("to be deleted")
    (tmp_path / "file.bin").write_bytes(b"x" * 5000)
    run = client.create_run(experiment).info.run_id
    client.log_artifacts(run, str(tmp_path))
    model = client.create_logged_model(experiment, name="model", source_run_id=run).model_id
    client.log_model_artifacts(model, str(tmp_path))
    client.delete_experiment(experiment)
    sql(
        platform,
        f"UPDATE experiments SET last_update_time = last_update_time - {LONG_AGO} WHERE experiment_id = {experiment}",
    )
    result = platform.play("playbooks/housekeeping.yml")
    result.assert_ok()
    assert "1 runs, 1 logged models, 1 experiments" in result.output
    assert (files(platform, run), files(platform, model)) == (0, 0)
    assert sql(platform, f"SELECT COUNT(*) FROM experiments WHERE experiment_id = {experiment}") == "0"


def test_it_waits_for_a_backup(platform: Platform, server: Host) -> None:
    server.check_output("systemctl start --no-block mlflow-backup")
    assert server.check_output("sleep 2; systemctl is-active mlflow-backup || true") == "activating"
    server.check_output("systemctl start mlflow-housekeeping")
    assert server.check_output("systemctl is-active mlflow-backup || true") == "inactive"
