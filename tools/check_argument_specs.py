"""Hold every role's argument specs to its defaults: same names, same values, each option described."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SHARED_PREFIX = "mlflow_platform_"
SHARED_DEFAULT = re.compile(r"(mlflow_platform_\w+)\s*\|\s*default\(([^)]*)\)")

Options = Mapping[str, Mapping[str, Any]]


def describe_problems(name: str, option: Mapping[str, Any]) -> Iterator[str]:
    """Check one option by itself, and the options inside it."""
    if "type" not in option:
        yield f"{name}: has no type."
    if not option.get("description"):
        yield f"{name}: has no description."
    if option.get("type") == "list" and "elements" not in option:
        yield f"{name}: is a list, write what its elements are."
    if option.get("required") and "default" in option:
        yield f"{name}: is required and has a default, write one of the two."
    for inner, spec in option.get("options", {}).items():
        yield from describe_problems(f"{name}.{inner}", spec)


def compare(options: Options, defaults: Mapping[str, Any]) -> Iterator[str]:
    """Compare what the spec says with what defaults/main.yml sets."""
    for name in defaults.keys() - options.keys():
        yield f"{name}: is in defaults/main.yml, not in meta/argument_specs.yml."
    for name, option in options.items():
        if option.get("required"):
            if name in defaults:
                yield f"{name}: is required, but defaults/main.yml sets it."
        elif name not in defaults:
            # An option may be left undefined, as a password that is then generated.
            if "default" in option:
                yield f"{name}: has a default in meta/argument_specs.yml and is not in defaults/main.yml."
        elif option.get("default") != defaults[name] or type(option.get("default")) is not type(defaults[name]):
            yield f"{name}: defaults/main.yml says {defaults[name]!r}, the spec says {option.get('default')!r}."


def prefix_problems(role: str, options: Options) -> Iterator[str]:
    for name in options:
        if not name.startswith((f"{role}_", SHARED_PREFIX)):
            yield f"{name}: write it with the prefix {role}_, or {SHARED_PREFIX} where roles share it."


def load(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def check_role(role: Path) -> Iterator[str]:
    """Check one role; a role without options still needs its spec."""
    specs = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    if "main" not in specs:
        yield "meta/argument_specs.yml has no entry point `main`."
        return
    for entry_point, spec in specs.items():
        if not spec.get("short_description"):
            yield f"{entry_point}: has no short_description."
        for name, option in spec.get("options", {}).items():
            yield from describe_problems(name, option)
    options: Options = specs["main"].get("options", {})
    yield from prefix_problems(role.name, options)
    yield from compare(options, load(role / "defaults" / "main.yml"))


def shared_problems(roles: list[Path]) -> Iterator[str]:
    """What roles share has one meaning: the same fallback wherever it stands."""
    seen: dict[str, tuple[str, str]] = {}
    for role in roles:
        path = role / "defaults" / "main.yml"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for name, fallback in SHARED_DEFAULT.findall(text):
            first, other = seen.setdefault(name, (role.name, fallback))
            if other != fallback:
                yield f"{name}: roles/{first} falls back to {other}, roles/{role.name} to {fallback}."


def main() -> None:
    roles = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
    problems = [f"roles/{role.name}: {problem}" for role in roles for problem in check_role(role)]
    problems += shared_problems(roles)
    for problem in problems:
        print(problem)
    print(f"{len(roles)} roles, {len(problems)} problems")
    sys.exit(bool(problems) or not roles)


if __name__ == "__main__":
    main()
