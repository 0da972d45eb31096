"""Write roles/*/README.md and docs/options.md from the argument specs; `--check` says which of them are stale."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from antsibull_docs_parser import dom
from antsibull_docs_parser.md import MDFormatter, to_md
from antsibull_docs_parser.parser import Context, parse

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Generated from meta/argument_specs.yml by `make docs`. -->"

Spec = Mapping[str, Any]


class ReadableMarkdown(MDFormatter):
    """Antsibull's Markdown escapes every sign; these pages are also read as plain text."""

    def format_text(self, part: dom.TextPart) -> str:
        return re.sub(r"([\\`*_<>\[\]])", r"\\\1", part.text)

    def format_code(self, part: dom.CodePart) -> str:
        return f"`{part.text}`"

    def format_env_variable(self, part: dom.EnvVariablePart) -> str:
        return f"`{part.name}`"

    def format_option_value(self, part: dom.OptionValuePart) -> str:
        return f"`{part.value}`"

    def format_option_name(self, part: dom.OptionNamePart, url: str | None) -> str:
        return f"`{part.name}`" if part.value is None else f"`{part.name}={part.value}`"


def paragraphs(text: str | Sequence[str]) -> list[str]:
    """Turn Ansible's markup into Markdown, one string per paragraph."""
    lines = [text] if isinstance(text, str) else list(text)
    return [to_md(parse([line], Context(), errors="exception"), formatter=ReadableMarkdown()) for line in lines]


def cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if text else '`""`'


def type_of(option: Spec) -> str:
    kind = str(option.get("type", "str"))
    return f"list of {option['elements']}" if "elements" in option else kind


def default_of(option: Spec) -> str:
    if option.get("required"):
        return "**required**"
    return code(option["default"]) if "default" in option else "not set"


def rows(options: Spec, prefix: str = "") -> Iterator[str]:
    """One table row per option, its own options below it."""
    for name, option in options.items():
        meaning = paragraphs(option["description"])
        if "choices" in option:
            meaning.append("One of " + ", ".join(code(choice) for choice in option["choices"]) + ".")
        cells = (f"`{prefix}{name}`", type_of(option), default_of(option), " ".join(meaning))
        yield "| " + " | ".join(cell(text) for text in cells) + " |"
        yield from rows(option.get("options", {}), f"{prefix}{name}{'[]' if 'elements' in option else ''}.")


def table(options: Spec) -> list[str]:
    return ["| Option | Type | Default | Meaning |", "|---|---|---|---|", *rows(options)]


def role_page(role: str, specs: Mapping[str, Spec]) -> str:
    """The README of one role; an entry point with the options of `main` does not repeat them."""
    main = specs["main"]
    page = [NOTE, "", f"# onprem.mlflow.{role}", "", paragraphs(main["short_description"])[0] + ".", ""]
    page += ["\n\n".join(paragraphs(main.get("description", []))), "", "## Options", ""]
    page += table(main["options"]) if main.get("options") else ["None."]
    for name, spec in specs.items():
        if name == "main":
            continue
        page += ["", f"## Entry point `{name}`", "", paragraphs(spec["short_description"])[0] + ".", ""]
        page += ["\n\n".join(paragraphs(spec.get("description", []))), ""]
        own = {key: option for key, option in spec.get("options", {}).items() if key not in main.get("options", {})}
        page += table(own) if own else ["It has the options of `main`."]
    return "\n".join(page).rstrip() + "\n"


def overview(roles: Mapping[str, Mapping[str, Spec]]) -> str:
    page = [NOTE, "", "# Options of all roles", "", "| Role | What it does | Options |", "|---|---|---|"]
    for role, specs in roles.items():
        main = specs["main"]
        link = f"[{role}](../roles/{role}/README.md)"
        page.append(f"| {link} | {cell(paragraphs(main['short_description'])[0])} | {len(main.get('options', {}))} |")
    return "\n".join(page) + "\n"


def load_specs() -> dict[str, Mapping[str, Spec]]:
    files = sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))
    return {
        path.parent.parent.name: yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"] for path in files
    }


def main() -> None:
    roles = load_specs()
    pages = {ROOT / "roles" / role / "README.md": role_page(role, specs) for role, specs in roles.items()}
    pages[ROOT / "docs" / "options.md"] = overview(roles)
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: stale, run `make docs`.")
        print(f"{len(pages)} pages, {len(stale)} stale")
        sys.exit(bool(stale))
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
