# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rewriting artifact URIs, in Python and in SQL on the tables that MLflow makes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_artifact_uris import (
    COLUMNS,
    DIALECTS,
    MYSQL,
    POSTGRES,
    Builder,
    Dialect,
    Limit,
    Report,
    Rewriter,
    Rule,
    lies_under,
    parse_rules,
    read_limits,
    refuse_other_places,
    rewrite,
    rewrite_json,
)
from ansible_collections.onprem.mlflow.plugins.modules import mlflow_artifact_uris
from hypothesis import assume, given
from hypothesis import strategies as st

SCHEMA = (Path(__file__).parents[1] / "fixtures" / "mlflow-3.17.2" / "schema_sqlite.sql").read_text(encoding="utf-8")
TO_PROXY = {"from": "s3://mlflow/artifacts", "to": "mlflow-artifacts:/"}
DATABASE = {"container": "db", "engine": "mysql", "name": "mlflow", "username": "mlflow", "password": "the-password"}

# Few letters, so that prefixes of prefixes, twins and what only looks like one come up.
SEGMENT = st.text(alphabet="abA%ä_ ", min_size=1, max_size=3)
PATH = st.lists(SEGMENT, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))
BUCKET = st.sampled_from(["b", "b2", "B", "bb"])
S3 = st.builds(lambda bucket, path: f"s3://{bucket}{path}", BUCKET, PATH)
PROXIED = PATH.map(lambda path: f"mlflow-artifacts:{path or '/'}")
URI = st.one_of(S3, PROXIED)
STORED = st.one_of(URI, URI.map(lambda uri: uri + "/"), st.builds("{}//{}".format, URI, SEGMENT), SEGMENT)


# What tests run on, in place of a server.
SQLITE = Dialect(
    name="sqlite",
    quote='"',
    concat="({0} || {1})",
    starts="SUBSTR({0}, 1, {1}) = %s",
    bytes_of="LENGTH(CAST({0} AS BLOB))",
    json_text="{0}",
    tables=(
        "SELECT m.name, p.name, CASE WHEN p.type LIKE '%CHAR(%' THEN CAST(SUBSTR(p.type, INSTR(p.type, '(') + 1)"
        " AS INTEGER) END, 'varchar' FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p WHERE m.type = 'table'"
    ),
    begin=("BEGIN IMMEDIATE",),
    lock=(),
    end=(),
)


def cannot_be_said(uri: str, rules: Iterable[Rule]) -> bool:
    """Say in Python what Builder says in SQL."""
    for rule in rules:
        if lies_under(uri, rule.source):
            rest = uri[len(rule.source) :]
            doubled = rule.target.endswith(":") and rest.startswith("//")
            return doubled or (not rule.same_scheme and any(sign in rest for sign in "%?#"))
    return False


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    items = draw(st.lists(st.fixed_dictionaries({"from": URI, "to": URI}), min_size=1, max_size=3))
    try:
        return parse_rules(items)
    except InputError:
        assume(False)
        raise


def filled(**values: list[str | None]) -> sqlite3.Connection:
    """Make MLflow's tables, with rows that hold these URIs."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    for number, uri in enumerate(values.get("experiments", [])):
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, workspace) VALUES (?, ?, ?, 'default')",
            (number, f"experiment {number}", uri),
        )
    for number, uri in enumerate(values.get("runs", [])):
        connection.execute("INSERT INTO runs (run_uuid, artifact_uri) VALUES (?, ?)", (f"run{number}", uri))
    for number, uri in enumerate(values.get("datasets", [])):
        connection.execute(
            "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source)"
            " VALUES (?, 0, 'd', ?, 's3', ?)",
            (f"dataset{number}", str(number), uri),
        )
    return connection


class Session:
    """Runs statements on SQLite as a client program does on a server."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.create_function("CHAR_LENGTH", 1, len, deterministic=True)

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        return self.connection.execute(sql.replace("%s", "?"), tuple(values)).fetchall()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        return self.connection.execute(sql.replace("%s", "?"), tuple(values)).rowcount


@contextlib.contextmanager
def sqlite_transaction(connection: sqlite3.Connection, *, keep: bool) -> Iterator[Session]:
    try:
        yield Session(connection)
    except BaseException:
        connection.rollback()
        raise
    if keep:
        connection.commit()
    else:
        connection.rollback()


def run(connection: sqlite3.Connection, rules: list[Rule], *, origins: bool = False, dry_run: bool = False) -> Report:
    with sqlite_transaction(connection, keep=not dry_run) as session:
        return Rewriter(SQLITE, rules, session.query, session.execute).run(origins=origins, dry_run=dry_run)


def uris(connection: sqlite3.Connection, table: str = "runs", column: str = "artifact_uri") -> list[str | None]:
    return [row[0] for row in connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid")]  # noqa: S608


@pytest.mark.parametrize(
    ("uri", "base", "expected"),
    [
        ("s3://bucket", "s3://bucket", True),
        ("s3://bucket/", "s3://bucket", True),
        ("s3://bucket/1/a", "s3://bucket", True),
        ("s3://bucket2/1", "s3://bucket", False),
        ("S3://bucket/1", "s3://bucket", False),
        ("mlflow-artifacts:/1", "mlflow-artifacts:", True),
        ("mlflow-artifacts://host/1", "mlflow-artifacts:", False),
        ("mlflow-artifacts:/1x", "mlflow-artifacts:/1", False),
    ],
)
def test_prefixes_are_whole_segments(uri: str, base: str, expected: bool) -> None:
    assert lies_under(uri, base) is expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://mlflow/artifacts/1/run/artifacts", "mlflow-artifacts:/1/run/artifacts"),
        ("s3://mlflow/artifacts", "mlflow-artifacts:/"),
        ("s3://mlflow/artifacts/", "mlflow-artifacts:/"),
        ("s3://mlflow/artifacts2/1", "s3://mlflow/artifacts2/1"),
        ("runs:/abc/model", "runs:/abc/model"),
    ],
)
def test_from_s3_to_the_proxy(uri: str, expected: str) -> None:
    assert rewrite(uri, parse_rules([TO_PROXY])) == expected


def test_back_to_s3() -> None:
    rules = parse_rules([{"from": "mlflow-artifacts:/", "to": "s3://mlflow/artifacts/"}])
    assert rewrite("mlflow-artifacts:/1/run", rules) == "s3://mlflow/artifacts/1/run"


def test_longest_prefix_wins_and_only_one_rule_is_applied() -> None:
    rules = parse_rules([{"from": "s3://a", "to": "s3://c"}, {"from": "s3://a/deep", "to": "s3://d"}])
    assert rewrite("s3://a/deep/1", rules) == "s3://d/1"
    assert rewrite("s3://a/shallow/1", rules) == "s3://c/shallow/1"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([], "is empty"),
        ([{"from": "/mnt/artifacts", "to": "s3://b"}], r"rules\[0\]\.from: found '/mnt/artifacts', write s3://BUCKET"),
        ([{"from": "s3:///x", "to": "s3://b"}], "write the bucket after s3://"),
        ([{"from": "s3://", "to": "s3://b"}], "write the bucket after s3://"),
        ([{"from": "s3://a//b", "to": "s3://b"}], "without a doubled slash"),
        ([{"from": "mlflow-artifacts://host", "to": "s3://b"}], "without a doubled slash"),
        ([{"from": "s3://a", "to": "s3://b\n"}], "write s3://BUCKET|control characters"),
        ([{"from": "s3://a", "to": "s3://a/new"}], "a second run would rewrite again"),
        ([{"from": "s3://a", "to": "s3://a/"}], "a second run would rewrite again"),
        ([{"from": "s3://a", "to": "s3://b"}, {"from": "s3://a/", "to": "s3://c"}], "stands in"),
        ([{"from": "s3://a", "to": "s3://b"}, {"from": "s3://b", "to": "s3://c"}], "or rewrite in two runs"),
    ],
)
def test_rules_that_cannot_be(rules: list[dict[str, str]], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_rules(rules)


@pytest.mark.parametrize(
    ("source", "target", "refused"),
    [
        ("s3://mlflow/artifacts", "mlflow-artifacts:/", False),
        ("s3://mlflow/artifacts/1", "mlflow-artifacts:/1", False),
        ("mlflow-artifacts:/", "s3://mlflow/artifacts", False),
        ("s3://mlflow", "mlflow-artifacts:/", True),
        ("s3://other/artifacts", "mlflow-artifacts:/", True),
        ("s3://mlflow/artifacts", "s3://new/artifacts", True),
    ],
)
def test_rule_that_leads_to_other_objects(source: str, target: str, refused: bool) -> None:
    rules = parse_rules([{"from": source, "to": target}])
    if not refused:
        refuse_other_places(rules, "s3://mlflow/artifacts")
        return
    with pytest.raises(InputError, match="another place; copy the objects there first"):
        refuse_other_places(rules, "s3://mlflow/artifacts")


@given(rule_lists(), STORED)
def test_what_no_rule_fits_stays(rules: list[Rule], uri: str) -> None:
    fits = [rule for rule in rules if lies_under(uri, rule.source)]
    new = rewrite(uri, rules)
    if not fits:
        assert new == uri
    else:
        best = max(fits, key=lambda rule: len(rule.source))
        rest = uri[len(best.source) :]
        assert new in (best.target + rest, best.target + "/")


@given(rule_lists(), st.lists(STORED, max_size=6))
def test_sql_does_what_python_does(rules: list[Rule], stored: list[str]) -> None:
    connection = filled(runs=[*stored, None])
    expected = [rewrite(uri, rules) for uri in stored]
    again = any(rewrite(new, rules) != new for uri, new in zip(stored, expected, strict=True) if new != uri)
    unsayable = any(cannot_be_said(uri, rules) for uri in stored)
    try:
        report = run(connection, rules)
    except InputError:
        assert again or unsayable
        assert uris(connection) == [*stored, None]
        return
    assert not again
    assert not unsayable
    assert uris(connection) == [*expected, None]
    assert report.counts["runs.artifact_uri"] == sum(a != b for a, b in zip(stored, expected, strict=True))
    assert not run(connection, rules).changed


def test_every_column_is_rewritten_and_nothing_else() -> None:
    connection = filled(
        experiments=["s3://mlflow/artifacts/1", "s3://mlflow2/artifacts/1"], runs=["s3://mlflow/artifacts/1/r"]
    )
    connection.execute(
        "INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,"
        " last_updated_timestamp_ms, status, lifecycle_stage)"
        " VALUES ('m', 0, 'm', 's3://mlflow/artifacts/1/m', 0, 0, 0, 'active')"
    )
    connection.execute(
        "INSERT INTO model_versions (name, version, source, storage_location, workspace)"
        " VALUES ('m', 1, 'runs:/r/model', 's3://mlflow/artifacts/1/r/model', 'default')"
    )
    for key in ("mlflow.artifactLocation", "mlflow.trace.archiveLocation", "note"):
        connection.execute("INSERT INTO trace_tags VALUES (?, 's3://mlflow/artifacts/t', 't1')", (key,))
    connection.execute("INSERT INTO workspaces (name, default_artifact_root) VALUES ('w', 's3://mlflow/artifacts')")

    report = run(connection, parse_rules([TO_PROXY]))

    assert report.counts == {
        "experiments.artifact_location": 1,
        "runs.artifact_uri": 1,
        "logged_models.artifact_location": 1,
        "model_versions.storage_location": 1,
        "model_versions.source": 0,
        "trace_tags.value": 2,
        "workspaces.default_artifact_root": 1,
        "workspaces.trace_archival_location": 0,
    }
    assert uris(connection, "experiments", "artifact_location") == ["mlflow-artifacts:/1", "s3://mlflow2/artifacts/1"]
    assert uris(connection, "model_versions", "source") == ["runs:/r/model"]
    assert sorted(connection.execute("SELECT key, value FROM trace_tags")) == [
        ("mlflow.artifactLocation", "mlflow-artifacts:/t"),
        ("mlflow.trace.archiveLocation", "mlflow-artifacts:/t"),
        ("note", "s3://mlflow/artifacts/t"),
    ]
    assert uris(connection, "workspaces", "default_artifact_root") == ["mlflow-artifacts:/"]


def test_check_mode_counts_the_same_and_writes_nothing() -> None:
    connection = filled(runs=["s3://mlflow/artifacts/1", "s3://other/1"])
    report = run(connection, parse_rules([TO_PROXY]), dry_run=True)
    assert report.counts["runs.artifact_uri"] == 1
    assert report.diff == {
        "before": "runs.artifact_uri: s3://mlflow/artifacts/1\n",
        "after": "runs.artifact_uri: mlflow-artifacts:/1\n",
    }
    assert uris(connection) == ["s3://mlflow/artifacts/1", "s3://other/1"]
    assert not connection.in_transaction


def test_one_value_that_becomes_too_long_stops_all() -> None:
    long = "s3://b/" + "x" * 190
    connection = filled(experiments=["s3://b/1"], runs=[long])
    with pytest.raises(InputError, match=r"1 values of runs\.artifact_uri would be longer than its 200 characters"):
        run(connection, parse_rules([{"from": "s3://b", "to": "s3://much-longer"}]))
    assert uris(connection) == [long]
    assert uris(connection, "experiments", "artifact_location") == ["s3://b/1"]


def test_prefix_that_comes_back_further_down_is_refused() -> None:
    connection = filled(runs=["s3://b/old/old/1"])
    with pytest.raises(InputError, match="would lie under a from again"):
        run(connection, parse_rules([{"from": "s3://b/old", "to": "s3://b"}]))


@pytest.mark.parametrize("rest", ["/50%25", "/what?", "/a#b", "//doubled"])
def test_key_that_an_address_reads_otherwise_is_refused(rest: str) -> None:
    connection = filled(runs=[f"s3://mlflow/artifacts{rest}"])
    with pytest.raises(InputError, match="mean something else"):
        run(connection, parse_rules([TO_PROXY]))
    assert run(connection, parse_rules([{"from": "s3://mlflow", "to": "s3://new"}])).changed


def test_other_database_is_refused() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(InputError, match=r"database\.name: holds no tables of MLflow"):
        run(connection, parse_rules([TO_PROXY]))


def test_older_schema_has_fewer_columns() -> None:
    connection = filled(runs=["s3://mlflow/artifacts/1"])
    for table in ("logged_models", "workspaces", "trace_tags"):
        connection.execute(f"DROP TABLE {table}")
    assert set(run(connection, parse_rules([TO_PROXY])).counts) == {
        "experiments.artifact_location",
        "runs.artifact_uri",
        "model_versions.storage_location",
        "model_versions.source",
    }


def test_origins_only_if_told_and_only_within_s3() -> None:
    source = json.dumps({"uri": "s3://b/data.csv", "note": "from s3://b/data.csv"})
    connection = filled(datasets=[source, '{"tags": {}}', "no JSON: s3://b/x"])
    rules = parse_rules([{"from": "s3://b", "to": "s3://new"}])
    assert "datasets.dataset_source" not in run(connection, rules).counts
    assert run(connection, rules, origins=True).counts["datasets.dataset_source"] == 1
    assert json.loads(uris(connection, "datasets", "dataset_source")[0] or "") == {
        "uri": "s3://new/data.csv",
        "note": "from s3://b/data.csv",
    }
    to_proxy = parse_rules([{"from": "s3://new", "to": "mlflow-artifacts:/"}])
    assert run(connection, to_proxy, origins=True).counts["datasets.dataset_source"] == 0
    assert not run(connection, rules, origins=True).changed


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), STORED), lambda node: st.lists(node) | st.dictionaries(SEGMENT, node)
    )
)
def test_json_keeps_its_shape(document: Any) -> None:
    rules = parse_rules([{"from": "s3://b", "to": "s3://new"}])
    text = json.dumps(document)
    new = rewrite_json(text, rules)
    assert rewrite_json(new, rules) == new
    assert json.dumps(json.loads(new)).count('"') == text.count('"')


@pytest.mark.parametrize("dialect", [MYSQL, POSTGRES], ids=lambda dialect: str(dialect.name))
@given(rules=rule_lists())
def test_each_parameter_has_its_place(dialect: Any, rules: list[Rule]) -> None:
    builder = Builder(dialect, rules)
    for column in COLUMNS:
        for statement in (
            builder.survey(column, Limit(200)),
            builder.survey(column, Limit(65535, in_bytes=True)),
            builder.examples(column),
            builder.update(column),
        ):
            assert statement.sql.count("%s") == len(statement.values)
            assert "%" not in statement.sql.replace("%s", "")


def test_limits_of_the_engines() -> None:
    limits = read_limits(
        [
            (b"runs", b"artifact_uri", 200, b"varchar"),
            ("workspaces", "default_artifact_root", 65535, "text"),
            ("evaluation_dataset_records", "source", None, "json"),
            ("experiments", "artifact_location", 256, "character varying"),
        ]
    )
    assert list(limits.values()) == [Limit(200), Limit(65535, in_bytes=True), Limit(None), Limit(256)]


@pytest.mark.parametrize("check", [True, False])
def test_module(run_module: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    connection = filled(runs=["s3://mlflow/artifacts/1", "s3://mlflow/artifacts/2"])
    monkeypatch.setattr(
        mlflow_artifact_uris, "transaction", lambda place, keep, end: sqlite_transaction(connection, keep=keep)
    )
    monkeypatch.setitem(DIALECTS, "mysql", SQLITE)
    args = {"database": DATABASE, "rules": [TO_PROXY]}

    result = run_module(mlflow_artifact_uris.main, args, check=check, diff=True)

    assert result["changed"]
    assert (result["total"], result["counts"]["runs.artifact_uri"]) == (2, 2)
    assert "runs.artifact_uri: mlflow-artifacts:/2" in result["diff"]["after"]
    assert uris(connection)[0] == ("s3://mlflow/artifacts/1" if check else "mlflow-artifacts:/1")
    assert run_module(mlflow_artifact_uris.main, args)["changed"] is check
