"""An old stack is taken over, its clients find everything again, and there is a way back: in this order, twice."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..conftest import Platform, PlayResult
    from .conftest import OldStack

BACKUPS = "/opt/mlflow/backups/adopt"
STOPPING = "stop | Stop containers of the old project"
# In this order: each kill hits what the one before left undone.
MOMENTS = [
    (STOPPING, 1),
    ("database | Dump the old database", 1),
    ("database | Restore the dump", 1),
    (STOPPING, 2),
]


def told(result: PlayResult, what: str) -> None:
    result.assert_ok()
    print(f"{what}: {result.seconds:.0f} s")


def test_years_of_use(stack: OldStack) -> None:
    stack.manifest.parent.mkdir(exist_ok=True)
    print(stack.old_client("fill.py", str(stack.manifest), "--runs=2", "--traces=1", f"--s3={stack.kind.s3_base}/own"))


def test_bad_input_is_refused_before_anything_changes(stack: OldStack) -> None:
    other = "postgres" if stack.kind.engine == "mysql" else "mysql"
    unlike = {"mlflow_platform_database": other, "mlflow_version": "3.1.0"}
    # PostgreSQL's image asks for no password inside of its container.
    wrong = {"password": "wrong"} if stack.kind.engine == "mysql" else {"username": "nobody"}
    engine = f"but the old project has {stack.kind.engine}; write that"
    cases: list[tuple[dict[str, Any], list[str]]] = [
        (unlike, [engine, "but the old project has 3.17.2, whose database an older version cannot read"]),
        ({"adopt_database": wrong}, ["write the right username and password"]),
        ({"adopt_project": "nothing"}, ["adopt_project: there is no compose project 'nothing' on this server"]),
        ({"mlflow_platform_project": stack.kind.name}, ["which is the old project's name"]),
    ]
    before = stack.everything()
    for variables, sentences in cases if stack.kind.engine == "mysql" else cases[:2]:
        result = stack.adopt(**variables)
        assert result.returncode != 0
        assert result.changed == []
        for sentence in sentences:
            assert sentence in result.message, (variables, result.message)
    assert stack.everything() == before


@pytest.mark.usefixtures("no_database")
def test_it_asks_which_of_two_servers_is_meant(stack: OldStack) -> None:
    image = stack.run(f"docker inspect --format '{{{{.Image}}}}' {stack.kind.mlflow}").strip()
    labels = f"--label com.docker.compose.project={stack.kind.name} --label com.docker.compose.service=second"
    stack.run(f"docker create --name second {labels} {image} mlflow server")
    try:
        assert "MLflow may be any of the services" in stack.adopt().message
    finally:
        stack.run("docker rm second")


@pytest.mark.usefixtures("no_database")
def test_check_mode_changes_nothing(stack: OldStack) -> None:
    before = stack.everything()
    result = stack.adopt(check=True)
    result.assert_ok()
    assert "take_over | Predict" in " ".join(result.changed)
    assert stack.everything() == before


@pytest.mark.usefixtures("no_database")
def test_failure_starts_the_old_stack_again_as_it_was(stack: OldStack, platform: Platform) -> None:
    before = stack.containers()
    printed = platform.play_meanwhile(
        "playbooks/adopt.yml",
        "take_over | Stop what writes to the old database",
        lambda: stack.run(f"docker stop mlflow-{stack.kind.engine}-1"),
        *stack.options,
    )
    text = " ".join(printed.split())
    assert f"The container mlflow-{stack.kind.engine}-1 does not run, start it." in text
    assert f"The old project {stack.kind.name} was started again as it was" in text
    assert stack.containers() == before
    policies = stack.run("docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' " + " ".join(before))
    assert policies.split().count("no") == 1
    stack.wait()
    assert "0 differences" in stack.old_client("check.py", str(stack.manifest))


@pytest.mark.parametrize(("task", "times"), MOMENTS)
def test_a_run_is_killed(stack: OldStack, platform: Platform, task: str, times: int) -> None:
    if stack.kind.engine == "mysql" and task != MOMENTS[2][0]:
        pytest.skip("the other stack is killed at each moment")
    platform.play_until("playbooks/adopt.yml", task, *stack.options, times=times, seconds=0.7)


def test_the_next_run_takes_it_over(stack: OldStack) -> None:
    told(stack.adopt(), f"adopt.yml takes {stack.kind.name} over")
    state = stack.containers()
    assert state[stack.kind.mlflow] == state[stack.kind.database] == "exited"
    assert state[stack.kind.store] == "running"


def test_what_it_writes_down_is_for_root_alone(stack: OldStack, platform: Platform) -> None:
    for name in stack.run(f"ls {BACKUPS}").split():
        assert platform.host.file(f"{BACKUPS}/{name}").mode & (stat.S_IRWXG | stat.S_IRWXO) == 0, name


def test_site_runs_mlflow_on_it(stack: OldStack) -> None:
    told(stack.site(), "site.yml")


def test_clients_find_everything_again(stack: OldStack) -> None:
    assert "0 differences" in stack.client("check.py", str(stack.manifest), keys=True)


def test_again_changes_nothing(stack: OldStack) -> None:
    adopted = stack.adopt()
    told(adopted, "adopt.yml again")
    assert adopted.changed == []
    site = stack.site()
    told(site, "site.yml again")
    assert site.changed == []


def test_rewriting_is_counted_in_check_mode(stack: OldStack) -> None:
    before = stack.everything()
    result = stack.rewrite(check=True)
    result.assert_ok()
    assert result.changed == ["onprem.mlflow.artifact_uris : check | Count what the rules rewrite"]
    assert stack.everything() == before
    manifest = json.loads(stack.manifest.read_text(encoding="utf-8"))
    places = [item["artifact_location"] for item in manifest["experiments"]]
    uris = [item["artifact_uri"] for item in manifest["runs"]]
    for column, values in {"experiments.artifact_location": places, "runs.artifact_uri": uris}.items():
        expected = sum(value.startswith(stack.kind.s3_base + "/") for value in values)
        counted = int(result.output.split(f'"{column}": ')[1].split(",")[0])
        # The smoke test of site.yml has an experiment and a run of its own, and there is the default experiment.
        assert expected <= counted <= expected + 1


@pytest.mark.usefixtures("no_database")
def test_rule_that_leads_to_other_objects_is_refused(stack: OldStack, platform: Platform) -> None:
    started = platform.container("mlflow")["State"]["StartedAt"]
    result = stack.rewrite(artifact_uris_rules=[{"from": "s3://elsewhere", "to": "mlflow-artifacts:/"}])
    assert "leads from s3://elsewhere to s3://" in result.message
    assert platform.container("mlflow")["State"]["StartedAt"] == started


def test_failed_rewriting_leaves_mlflow_as_it_was(stack: OldStack, platform: Platform) -> None:
    """As somebody does it who writes to the database meanwhile."""
    password = platform.secret(f"{stack.kind.engine}_password")
    platform.write("/run/lock.sql", LOCKS[stack.kind.engine])
    client = {
        "mysql": "MYSQL_PWD={} mysql --user=mlflow mlflow",
        "postgres": "PGPASSWORD={} psql --host=127.0.0.1 --username=mlflow --dbname=mlflow",
    }[stack.kind.engine].format(password)
    platform.write("/run/lock.sh", f"docker exec -i mlflow-{stack.kind.engine}-1 sh -c '{client}' < /run/lock.sql\n")
    printed = platform.play_meanwhile(
        "playbooks/rewrite_artifact_uris.yml",
        "rewrite | Back the database up",
        lambda: stack.run("nohup sh /run/lock.sh > /run/lock.log 2>&1 &"),
        *("--extra-vars", json.dumps({"mlflow_platform_database": stack.kind.engine, **stack.rules})),
    )
    text = " ".join(printed.split())
    assert "Somebody else writes to the database 'mlflow'" in text
    assert "Nothing was rewritten, and MLflow runs as before" in text
    stack.run("rm /run/lock.sh /run/lock.sql")
    assert "0 differences" in stack.client("check.py", str(stack.manifest), keys=True)


LOCKS = {
    "mysql": "LOCK TABLES runs READ; SELECT SLEEP(20);",
    "postgres": "BEGIN; LOCK TABLE runs IN ROW EXCLUSIVE MODE; SELECT pg_sleep(20);",
}


def test_uris_are_rewritten_once(stack: OldStack, platform: Platform) -> None:
    told(stack.rewrite(), "rewrite_artifact_uris.yml")
    started = platform.container("mlflow")["State"]["StartedAt"]
    again = stack.rewrite()
    again.assert_ok()
    assert again.changed == []
    assert platform.container("mlflow")["State"]["StartedAt"] == started


def test_clients_without_keys_read_everything(stack: OldStack) -> None:
    assert "0 differences" in stack.client("check.py", str(stack.manifest), "--uris=any")
    written = stack.manifest.with_suffix(".after.json")
    stack.client("fill.py", str(written), "--runs=1", "--traces=1", "--prefix=after ")


@pytest.mark.usefixtures("no_database")
def test_its_artifacts_move_to_rustfs(stack: OldStack, platform: Platform) -> None:
    told(platform.play("playbooks/migrate_minio.yml", **stack.lines), "migrate_minio.yml")
    assert "0 differences" in stack.client("check.py", str(stack.manifest), "--uris=any")
    assert "0 differences" in stack.client("check.py", str(stack.manifest.with_suffix(".after.json")), "--uris=any")


def test_there_is_a_way_back(stack: OldStack) -> None:
    stack.run(f"sh {BACKUPS}/start_old_stack.sh")
    stack.wait()
    assert "0 differences" in stack.old_client("check.py", str(stack.manifest))
