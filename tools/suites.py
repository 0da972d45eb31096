"""The checks of this repository: `python -m tools.suites lint|test|choices`."""

from __future__ import annotations

import os
import sys
import time

from tools.steps import ROOT, Step, in_order, side_by_side, summary, together

PYTHON = sys.executable
COLLECTION = "ansible_collections.onprem.mlflow"
# In one process: tests and tools use the plugins, which two would check twice.
TYPED = (f"{COLLECTION}.plugins", "tools", "lab", "tests")

# The longest first, so that they overlap with all the others.
LINT = (
    Step("ansible-lint", ("ansible-lint", "--offline", "-q")),
    Step("ansible-test sanity", (PYTHON, "-m", "tools.sanity")),
    Step("mypy", ("mypy", *(f"--package={package}" for package in TYPED))),
    Step("yamllint", ("yamllint", "--strict", ".")),
    Step("ruff check", ("ruff", "check", ".")),
    Step("ruff format", ("ruff", "format", "--check", ".")),
    Step("argument specs", (PYTHON, "-m", "tools.check_argument_specs")),
    Step("role docs", (PYTHON, "-m", "tools.role_docs", "--check")),
    Step("changelog", ("antsibull-changelog", "lint")),
)


# So that none of them runs alone at the end.
LONGEST_SCENARIOS_FIRST = ("migrate_minio", "default")
# With them all of this would take longer than CI has; `make choices` runs them.
BY_THEMSELVES = frozenset(
    {
        "acme",
        "adopt",
        "air_gapped",
        "backup",
        "cluster",
        "day_two",
        "debian12",
        "faults",
        "front_door",
        "interrupted",
        "monitoring",
        "other_databases",
        "own_login",
        "own_registry",
        "replicas",
        "rotation",
        "split",
        "stores",
        "upgrade",
    }
)
AT_ONCE = 2


def scenario(name: str) -> Step:
    """Each Molecule scenario runs from create to destroy by itself, on servers of its own."""
    return Step(f"scenario {name}", ("molecule", "test", "--scenario-name", name))


def scenarios() -> list[Step]:
    """The scenarios that `make test` has time for."""
    names = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - BY_THEMSELVES
    ordered = [*LONGEST_SCENARIOS_FIRST, *sorted(names - set(LONGEST_SCENARIOS_FIRST))]
    return [scenario(name) for name in ordered]


def checks() -> list[Step]:
    """What is wrong without a test being run is to be known first."""
    return [
        Step("rustfs build", (PYTHON, "-m", "lab", "rustfs", "start")),
        Step("lint", ("make", "lint")),
        Step("unit", ("make", "unit")),
        Step("package", (PYTHON, "-m", "tools.package_test")),
    ]


def link_for_mypy() -> None:
    """Give mypy the checkout under the name its modules import each other by."""
    link = ROOT / ".cache" / "collections" / "ansible_collections" / "onprem" / "mlflow"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.readlink() != ROOT:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT)


def main() -> None:
    started = time.monotonic()
    if sys.argv[1:] == ["lint"]:
        link_for_mypy()
        planned = len(LINT)
        outcomes = side_by_side(LINT, jobs=os.cpu_count() or 2)
    elif sys.argv[1:] == ["test"]:
        on_servers = [Step("contract", ("make", "contract")), *scenarios()]
        planned = len(checks()) + len(on_servers)
        outcomes = in_order(checks())
        if all(outcome.ok for outcome in outcomes):
            outcomes += together(on_servers, AT_ONCE)
        print("\n" + "\n".join(outcome.line() for outcome in outcomes))
    elif sys.argv[1:] == ["choices"]:
        planned = len(BY_THEMSELVES)
        outcomes = together([scenario(name) for name in sorted(BY_THEMSELVES)], AT_ONCE)
        print("\n" + "\n".join(outcome.line() for outcome in outcomes))
    else:
        sys.exit("usage: python -m tools.suites lint|test|choices")
    print(summary(outcomes, planned, time.monotonic() - started), flush=True)
    sys.exit(any(not outcome.ok for outcome in outcomes))


if __name__ == "__main__":
    main()
