"""The check of argument specs against defaults finds each kind of disagreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools import check_argument_specs as tool

GOOD: dict[str, Any] = {"type": "int", "default": 3, "description": "Something."}


def problems(option: dict[str, Any], defaults: dict[str, Any]) -> list[str]:
    return [*tool.describe_problems("x", option), *tool.compare({"x": option}, defaults)]


def test_agreement_is_silent() -> None:
    assert problems(GOOD, {"x": 3}) == []
    assert problems({"type": "str", "description": "Left undefined."}, {}) == []
    assert problems({"type": "str", "required": True, "description": "Needed."}, {}) == []


@pytest.mark.parametrize(
    ("option", "defaults", "said"),
    [
        (GOOD, {"x": 4}, "says 4, the spec says 3"),
        (GOOD, {"x": "3"}, "says '3', the spec says 3"),
        ({**GOOD, "default": True}, {"x": 1}, "says 1, the spec says True"),
        (GOOD, {}, "not in defaults/main.yml"),
        (GOOD, {"x": 3, "y": 1}, "y: is in defaults/main.yml, not in"),
        ({"default": 3, "description": "No type."}, {"x": 3}, "has no type"),
        ({"type": "int", "default": 3}, {"x": 3}, "has no description"),
        ({"type": "list", "default": [], "description": "Of what?"}, {"x": []}, "what its elements are"),
        ({**GOOD, "required": True}, {}, "is required and has a default"),
        ({"type": "int", "required": True, "description": "Needed."}, {"x": 1}, "is required, but"),
        ({"type": "dict", "default": {}, "description": "D.", "options": {"y": {}}}, {"x": {}}, "x.y: has no type"),
    ],
)
def test_disagreement_is_told(option: dict[str, Any], defaults: dict[str, Any], said: str) -> None:
    assert said in " ".join(problems(option, defaults))


def test_shared_names_have_one_fallback(tmp_path: Path) -> None:
    roles = []
    for name, fallback in (("one", "/opt"), ("two", "/srv")):
        (tmp_path / name / "defaults").mkdir(parents=True)
        text = f"{name}_dir: \"{{{{ mlflow_platform_dir | default('{fallback}') }}}}\"\n"
        (tmp_path / name / "defaults" / "main.yml").write_text(text, encoding="utf-8")
        roles.append(tmp_path / name)
    assert len(list(tool.shared_problems(roles))) == 1
    assert not list(tool.shared_problems(roles[:1]))


def test_options_carry_their_roles_name() -> None:
    assert list(tool.prefix_problems("mysql", {"mysql_a": GOOD, "mlflow_platform_b": GOOD})) == []
    assert list(tool.prefix_problems("mysql", {"database": GOOD}))
