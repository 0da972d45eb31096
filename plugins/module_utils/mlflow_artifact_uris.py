# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artifact URIs that MLflow keeps in its database: where they are, and how each is rewritten."""

# The names in the statements come from this file, all values are parameters.
# ruff: noqa: S608

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

SCHEMES = ("s3", "mlflow-artifacts")
EXAMPLES_PER_COLUMN = 3
LOCK_SECONDS = 10

_RULE = re.compile(r"(?P<scheme>s3|mlflow-artifacts):(?P<path>/.*)")
_BUCKET = re.compile(r"//[^/]+(/.*)?")
_NOT_IN_KEYS = re.compile(r"[\x00-\x1f\x7f]")
# In a mlflow-artifacts URI, which becomes the path of an HTTP address, they mean something else than in a key.
_MEANT_BY_HTTP = ("%", "?", "#")


@dataclass(frozen=True)
class Rule:
    """One prefix and what it becomes, both without a slash at the end: `s3://bucket/prefix`, `mlflow-artifacts:`."""

    source: str
    target: str

    @classmethod
    def parse(cls, item: Mapping[str, Any], path: str) -> Rule:
        """Read a rule of the option; InputError where it can be no prefix."""
        rule = cls(_base(item["from"], f"{path}.from"), _base(item["to"], f"{path}.to"))
        if lies_under(rule.target, rule.source):
            raise InputError(
                f"{path}: to ({item['to']}) lies under from ({item['from']}), so that a second run would rewrite again;"
                " write another prefix or bucket."
            )
        return rule

    @property
    def same_scheme(self) -> bool:
        """Whether both sides are of one scheme."""
        return self.source.partition(":")[0] == self.target.partition(":")[0]


def _base(uri: str, path: str) -> str:
    match = _RULE.fullmatch(uri)
    if not match:
        raise InputError(f"{path}: found {uri!r}, write s3://BUCKET, s3://BUCKET/PREFIX or mlflow-artifacts:/.")
    if match["scheme"] == "s3":
        if not _BUCKET.fullmatch(match["path"]):
            raise InputError(f"{path}: found {uri!r}, write the bucket after s3://.")
        keys = match["path"][2:]
    else:
        keys = match["path"][1:]
    keys = keys[:-1] if keys.endswith("/") else keys
    if keys.startswith("/") or keys.endswith("/") or "//" in keys:
        raise InputError(f"{path}: found {uri!r}, write it without a doubled slash.")
    if _NOT_IN_KEYS.search(uri):
        raise InputError(f"{path}: found {uri!r}, write it without control characters.")
    return uri[:-1] if uri.endswith("/") else uri


def parse_rules(items: Sequence[Mapping[str, Any]], variable: str = "rules") -> list[Rule]:
    """Read all rules, the longest prefix first; InputError where they contradict each other."""
    rules = [Rule.parse(item, f"{variable}[{index}]") for index, item in enumerate(items)]
    if not rules:
        raise InputError(f"{variable}: is empty, write at least one rule with from and to.")
    for index, rule in enumerate(rules):
        for other_index, other in enumerate(rules):
            if index > other_index and rule.source == other.source:
                raise InputError(f"{variable}[{index}]: from stands in {variable}[{other_index}] too, remove one.")
            if lies_under(rule.target, other.source):
                raise InputError(
                    f"{variable}[{index}]: to lies under from of {variable}[{other_index}], so that a second run would"
                    " rewrite again; write another prefix or bucket, or rewrite in two runs."
                )
    return sorted(rules, key=lambda rule: len(rule.source), reverse=True)


def refuse_other_places(rules: Iterable[Rule], destination: str) -> None:
    """InputError where a rule leads to objects other than those that the URI named before."""

    def place(uri: str) -> str:
        scheme, _colon, path = uri.partition(":")
        return uri if scheme == "s3" else destination.rstrip("/") + path

    for rule in rules:
        before, after = place(rule.source), place(rule.target)
        if before != after:
            raise InputError(
                f"rules: from {rule.source} to {rule.target} leads from {before} to {after}, another place; copy the"
                " objects there first, then set copied."
            )


def lies_under(uri: str, base: str) -> bool:
    """Tell whether a URI is this prefix or lies under it, by whole segments."""
    if base.endswith(":"):
        # `mlflow-artifacts://host/…` names a server, which no rule is about.
        return uri == base or (uri.startswith(base + "/") and not uri.startswith(base + "//"))
    return uri == base or uri.startswith(base + "/")


def rewrite(uri: str, rules: Iterable[Rule]) -> str:
    """Return what a URI becomes; the first rule that fits decides."""
    for rule in rules:
        if lies_under(uri, rule.source):
            rest = uri[len(rule.source) :]
            return rule.target + (rest or ("/" if rule.target.endswith(":") else ""))
    return uri


def rewrite_json(text: str, rules: Sequence[Rule]) -> str:
    """Rewrite each string of a JSON text that is a URI under a prefix; anything else comes back as it was."""
    try:
        document = json.loads(text)
    except ValueError:
        return text
    changed = _rewrite_strings(document, rules)
    return text if changed == document else json.dumps(changed)


def _rewrite_strings(node: Any, rules: Sequence[Rule]) -> Any:
    if isinstance(node, str):
        return rewrite(node, rules)
    if isinstance(node, list):
        return [_rewrite_strings(item, rules) for item in node]
    if isinstance(node, dict):
        return {name: _rewrite_strings(item, rules) for name, item in node.items()}
    return node


@dataclass(frozen=True)
class Column:
    """A column that holds URIs, in rows that `only` restricts to some values of another column."""

    table: str
    name: str
    only: tuple[str, tuple[str, ...]] | None = None

    @property
    def label(self) -> str:
        """How people call it."""
        return f"{self.table}.{self.name}"


COLUMNS = (
    Column("experiments", "artifact_location"),
    Column("runs", "artifact_uri"),
    Column("logged_models", "artifact_location"),
    Column("model_versions", "storage_location"),
    Column("model_versions", "source"),
    Column("trace_tags", "value", ("key", ("mlflow.artifactLocation", "mlflow.trace.archiveLocation"))),
    Column("workspaces", "default_artifact_root"),
    Column("workspaces", "trace_archival_location"),
)


@dataclass(frozen=True)
class JsonColumn:
    """A column of JSON texts that name where a user's data came from, and the primary key of its table."""

    table: str
    name: str
    key: tuple[str, ...]

    @property
    def label(self) -> str:
        """How people call it."""
        return f"{self.table}.{self.name}"


# Where data of users came from: not MLflow's artifacts, though they may lie in the same bucket.
ORIGINS = (
    JsonColumn("datasets", "dataset_source", ("experiment_id", "name", "digest")),
    JsonColumn("evaluation_dataset_records", "source", ("dataset_record_id",)),
)


@dataclass(frozen=True)
class Limit:
    """How long a value of a column can be; None for any length."""

    size: int | None
    in_bytes: bool = False


# By table and column.
Limits = Mapping[tuple[str, str], Limit]


@dataclass(frozen=True)
class Dialect:
    """What differs between the engines, as templates with the words of this file."""

    name: str
    quote: str
    concat: str
    starts: str
    bytes_of: str
    json_text: str
    tables: str
    lock: tuple[str, ...]
    begin: tuple[str, ...]
    end: tuple[str, ...]

    def identifier(self, name: str) -> str:
        """Quote a name of a table or column."""
        return f"{self.quote}{name}{self.quote}"


MYSQL = Dialect(
    name="mysql",
    quote="`",
    concat="CONCAT({0}, {1})",
    # Byte for byte: collations take capitals, accents and trailing spaces for equal.
    starts="CAST(CONVERT(SUBSTR({0}, 1, {1}) USING utf8mb4) AS BINARY) = CAST(%s AS BINARY)",
    bytes_of="LENGTH({0})",
    json_text="CAST({0} AS CHAR)",
    tables=(
        "SELECT table_name, column_name, character_maximum_length, data_type FROM information_schema.columns"
        " WHERE table_schema = DATABASE()"
    ),
    # A transaction with locked tables: with autocommit off, LOCK TABLES ends no transaction until UNLOCK TABLES.
    begin=(
        "SET SESSION lock_wait_timeout = {seconds}",
        "SET SESSION innodb_lock_wait_timeout = {seconds}",
        "SET SESSION sql_mode = 'TRADITIONAL'",
        "SET autocommit = 0",
    ),
    lock=("LOCK TABLES {write_tables}",),
    end=("UNLOCK TABLES",),
)
POSTGRES = Dialect(
    name="postgres",
    quote='"',
    concat="({0} || {1})",
    starts='SUBSTR({0}, 1, {1}) COLLATE "C" = %s',
    bytes_of="OCTET_LENGTH({0})",
    json_text="CAST({0} AS TEXT)",
    tables=(
        "SELECT table_name, column_name, character_maximum_length, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    ),
    begin=("BEGIN", "SET LOCAL lock_timeout = '{seconds}s'"),
    lock=("LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE",),
    end=(),
)
DIALECTS = {dialect.name: dialect for dialect in (MYSQL, POSTGRES)}


@dataclass(frozen=True)
class Statement:
    """SQL and the values of its parameters, in order."""

    sql: str
    values: tuple[Any, ...] = ()


class Builder:
    """Builds the statements for one engine."""

    def __init__(self, dialect: Dialect, rules: Sequence[Rule]) -> None:
        """Take the rules as parse_rules() sorted them."""
        self.dialect = dialect
        self.rules = rules

    def _starts(self, expression: str, text: str) -> Statement:
        return Statement(self.dialect.starts.format(expression, len(text)), (text,))

    def _under(self, expression: str, base: str) -> Statement:
        """Say lies_under() in SQL."""
        below = self._starts(expression, base + "/")
        if base.endswith(":"):
            doubled = self._starts(expression, base + "//")
            return Statement(f"({below.sql} AND NOT {doubled.sql})", below.values + doubled.values)
        # One character more, or the value's own prefix would do.
        exact = Statement(self.dialect.starts.format(expression, len(base) + 1), (base,))
        return Statement(f"({exact.sql} OR {below.sql})", exact.values + below.values)

    def _any(self, expression: str) -> Statement:
        parts = [self._under(expression, rule.source) for rule in self.rules]
        return Statement("(" + " OR ".join(part.sql for part in parts) + ")", _values(parts))

    def _new(self, expression: str) -> Statement:
        """Say rewrite() in SQL, for rows that a rule fits."""
        whens = []
        for rule in self.rules:
            under = self._under(expression, rule.source)
            rest = f"SUBSTR({expression}, {len(rule.source) + 1})"
            value = Statement(self.dialect.concat.format("%s", rest), (rule.target,))
            if rule.target.endswith(":"):
                nothing = self.dialect.concat.format("%s", "'/'")
                value = Statement(f"CASE WHEN {rest} = '' THEN {nothing} ELSE {value.sql} END", (rule.target,) * 2)
            whens.append(Statement(f"WHEN {under.sql} THEN {value.sql}", under.values + value.values))
        return Statement("CASE " + " ".join(when.sql for when in whens) + f" ELSE {expression} END", _values(whens))

    def _unsayable(self, expression: str) -> Statement:
        """Tell in SQL whether what follows the prefix would mean something else under the new scheme."""
        whens = []
        for rule in self.rules:
            under = self._under(expression, rule.source)
            signs = [] if rule.same_scheme else list(_MEANT_BY_HTTP)
            rest = f"SUBSTR({expression}, {len(rule.source) + 1})"
            tests = [Statement(f"{rest} <> REPLACE({rest}, %s, '')", (sign,)) for sign in signs]
            if rule.target.endswith(":"):
                tests.append(self._starts(rest, "//"))
            told = " OR ".join(test.sql for test in tests) or "1 = 0"
            whens.append(Statement(f"WHEN {under.sql} THEN ({told})", under.values + _values(tests)))
        return Statement("CASE " + " ".join(when.sql for when in whens) + " ELSE 1 = 0 END", _values(whens))

    def _rows(self, column: Column) -> Statement:
        name = self.dialect.identifier(column.name)
        found = self._any(name)
        if column.only is None:
            return found
        other, values = column.only
        marks = ", ".join(["%s"] * len(values))
        return Statement(f"{self.dialect.identifier(other)} IN ({marks}) AND {found.sql}", values + found.values)

    def _rewritten(self, column: Column) -> Statement:
        name = self.dialect.identifier(column.name)
        new, rows = self._new(name), self._rows(column)
        table = self.dialect.identifier(column.table)
        return Statement(
            f"SELECT {name} AS old_uri, {new.sql} AS new_uri FROM {table} WHERE {rows.sql}", new.values + rows.values
        )

    def survey(self, column: Column, limit: Limit) -> Statement:
        """Count: rows to rewrite, those that become too long, that a rule would fit again, that cannot be said."""
        rewritten = self._rewritten(column)
        size = self.dialect.bytes_of.format("new_uri") if limit.in_bytes else "CHAR_LENGTH(new_uri)"
        long = "1 = 0" if limit.size is None else f"{size} > {limit.size}"
        again, unsayable = self._any("new_uri"), self._unsayable("old_uri")
        sums = ", ".join(
            f"COALESCE(SUM(CASE WHEN {test} THEN 1 ELSE 0 END), 0)" for test in (long, again.sql, unsayable.sql)
        )
        return Statement(
            f"SELECT COUNT(*), {sums} FROM ({rewritten.sql}) AS rewritten",
            again.values + unsayable.values + rewritten.values,
        )

    def examples(self, column: Column) -> Statement:
        """Select a few values before and after."""
        rewritten = self._rewritten(column)
        return Statement(
            f"SELECT old_uri, new_uri FROM ({rewritten.sql}) AS rewritten ORDER BY old_uri LIMIT {EXAMPLES_PER_COLUMN}",
            rewritten.values,
        )

    def update(self, column: Column) -> Statement:
        """Rewrite a column."""
        name, table = self.dialect.identifier(column.name), self.dialect.identifier(column.table)
        new, rows = self._new(name), self._rows(column)
        return Statement(f"UPDATE {table} SET {name} = {new.sql} WHERE {rows.sql}", new.values + rows.values)

    def read_json(self, column: JsonColumn) -> Statement:
        """Select key and text of rows that may hold such a URI."""
        names = ", ".join(self.dialect.identifier(name) for name in column.key)
        text = self.dialect.json_text.format(self.dialect.identifier(column.name))
        table = self.dialect.identifier(column.table)
        # JSON may write a slash as \/ and any letter as \u….: what is told apart here is only told roughly.
        return Statement(f"SELECT {names}, {text} FROM {table} WHERE {text} LIKE %s", ("%:%",))

    def write_json(self, column: JsonColumn, key: Sequence[Any], text: str) -> Statement:
        """Put a JSON text in place."""
        where = " AND ".join(f"{self.dialect.identifier(name)} = %s" for name in column.key)
        table, name = self.dialect.identifier(column.table), self.dialect.identifier(column.name)
        return Statement(f"UPDATE {table} SET {name} = %s WHERE {where}", (text, *key))


def _values(parts: Iterable[Statement]) -> tuple[Any, ...]:
    return tuple(value for part in parts for value in part.values)


# Runs a statement and gives its rows, or for an UPDATE how many rows it changed.
Query = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
Execute = Callable[[str, Sequence[Any]], int]


@dataclass
class Report:
    """Rows by `table.column`, and a few values before and after."""

    counts: dict[str, int]
    examples: dict[str, list[tuple[str, str]]]

    @property
    def changed(self) -> bool:
        """Whether anything is, or would be, rewritten."""
        return any(self.counts.values())

    @property
    def diff(self) -> dict[str, str]:
        """A few values of each column, before and after."""
        sides: dict[str, str] = {}
        for side, name in enumerate(("before", "after")):
            lines = [f"{label}: {pair[side]}\n" for label, pairs in self.examples.items() for pair in pairs]
            sides[name] = "".join(lines)
        return sides


class Rewriter:
    """Rewrites what a connection shows, in the transaction that the connection is in."""

    def __init__(self, dialect: Dialect, rules: Sequence[Rule], query: Query, execute: Execute) -> None:
        """Take the two ways to run a statement."""
        self.builder = Builder(dialect, rules)
        self.dialect = dialect
        # A data set is read where it came from: an S3 address stays one.
        self.origin_rules = [rule for rule in rules if rule.same_scheme]
        self._query = query
        self._execute = execute

    def run(self, *, origins: bool, dry_run: bool) -> Report:
        """Rewrite all columns, or say what would be; InputError where one value cannot be rewritten."""
        limits = read_limits(self._query(self.dialect.tables, ()))
        if ("experiments", "artifact_location") not in limits:
            raise InputError("database.name: holds no tables of MLflow, write the name of MLflow's database.")
        columns = [column for column in COLUMNS if (column.table, column.name) in limits]
        json_columns = [column for column in ORIGINS if origins and (column.table, column.name) in limits]
        self._begin(sorted({item.table for item in columns} | {item.table for item in json_columns}), dry_run)
        report = Report({}, {})
        # Everything is looked at before the first row is written.
        for column in columns:
            self._survey(column, limits[column.table, column.name], report)
        texts = {column: self._read_json(column, limits[column.table, column.name], report) for column in json_columns}
        if not dry_run:
            for column in columns:
                if report.counts[column.label]:
                    report.counts[column.label] = self._execute(*_pair(self.builder.update(column)))
            for json_column, rows in texts.items():
                for key, text in rows:
                    self._execute(*_pair(self.builder.write_json(json_column, key, text)))
        return report

    def _begin(self, tables: Sequence[str], dry_run: bool) -> None:
        quoted = [self.dialect.identifier(table) for table in tables]
        words = {
            "seconds": LOCK_SECONDS,
            "tables": ", ".join(quoted),
            "write_tables": ", ".join(f"{table} WRITE" for table in quoted),
        }
        for sql in self.dialect.begin + (() if dry_run else self.dialect.lock):
            self._execute(sql.format(**words), ())

    def _survey(self, column: Column, limit: Limit, report: Report) -> None:
        row = self._query(*_pair(self.builder.survey(column, limit)))[0]
        count, too_long, again, unsayable = (int(number) for number in row)
        _refuse(column.label, limit, too_long, again, unsayable)
        report.counts[column.label] = count
        if count:
            pairs = self._query(*_pair(self.builder.examples(column)))
            report.examples[column.label] = [(str(pair[0]), str(pair[1])) for pair in pairs]

    def _read_json(self, column: JsonColumn, limit: Limit, report: Report) -> list[tuple[Sequence[Any], str]]:
        rows = []
        report.counts[column.label] = 0
        if not self.origin_rules:
            return []
        for row in self._query(*_pair(self.builder.read_json(column))):
            key, text = row[:-1], str(row[-1])
            new = rewrite_json(text, self.origin_rules)
            if new == text:
                continue
            size = len(new.encode()) if limit.in_bytes else len(new)
            too_long = int(limit.size is not None and size > limit.size)
            _refuse(column.label, limit, too_long, int(rewrite_json(new, self.origin_rules) != new), 0)
            rows.append((key, new))
            examples = report.examples.setdefault(column.label, [])
            if len(examples) < EXAMPLES_PER_COLUMN:
                examples.append((text, new))
        report.counts[column.label] = len(rows)
        return rows


def _pair(statement: Statement) -> tuple[str, tuple[Any, ...]]:
    return statement.sql, statement.values


def _refuse(label: str, limit: Limit, too_long: int, again: int, unsayable: int) -> None:
    if too_long:
        unit = "bytes" if limit.in_bytes else "characters"
        raise InputError(
            f"rules: {too_long} values of {label} would be longer than its {limit.size} {unit}, write a shorter bucket"
            " or prefix in to."
        )
    if again:
        raise InputError(
            f"rules: {again} values of {label} would lie under a from again once rewritten, so that a second run would"
            " spoil them; write a to outside of every from."
        )
    if unsayable:
        raise InputError(
            f"rules: {unsayable} values of {label} hold %, ?, # or a doubled slash, which mean something else under"
            " mlflow-artifacts:/ than in a key; write a rule that keeps the scheme."
        )


def read_limits(rows: Iterable[Sequence[Any]]) -> Limits:
    """Read what Dialect.tables selects: table, column, length, type."""
    limits = {}
    for table, column, size, kind in rows:
        limits[_text(table), _text(column)] = _limit(size, _text(kind).lower())
    return limits


def _limit(size: Any, kind: str) -> Limit:
    if size is None or kind == "json":
        return Limit(None)
    # MySQL counts a TEXT in bytes.
    return Limit(int(size), in_bytes=kind.endswith("text"))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
