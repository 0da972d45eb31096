# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML page that needs nothing but itself. Whatever comes from a store is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.mc_text import moment, size_text, visible
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report import duration, number
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report_plot import plot
from ansible_collections.onprem.mlflow.plugins.module_utils.migration_report_style import STYLE

MAX_KEYS = 100
_MARKS = {
    "good": '<path d="M4 12.5l5.5 5.5L20 6.5"/>',
    "warning": '<path d="M12 4v10M12 19.5v.1"/>',
    "bad": '<path d="M6 6l12 12M18 6L6 18"/>',
}
_KINDS = {
    "etag": ("ETag", "the same MD5 on both sides, of objects that were not uploaded in parts"),
    "checksum": ("Checksum", "the same stored checksum on both sides"),
    "read": ("Read", "both sides were read in full and held against each other"),
}
_FINDINGS = {
    "different": "Differ",
    "missing": "Missing on the target",
    "extra": "On the target only",
    "unreadable": "Could not be compared",
    "unsettled": "Still being written",
}

Item = Mapping[str, Any]


def page(report: Item) -> str:
    """Return the whole page."""
    parts = [
        heading(report),
        tiles(report),
        phases(report),
        bucket_table(report),
        proof(report),
        finding_lists(report),
        passes(report),
        sample(report),
        left_out(report),
        settings(report),
        next_steps(report),
    ]
    title = f"{report['title']}: {report['verdict']['headline']}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n<footer>The same as data: <code>report.json</code>, in the same folder.</footer>\n"
        "</main>\n</body>\n</html>\n"
    )


def text(value: object) -> str:
    """Escape text for HTML, and make control characters visible."""
    return escape(visible(str(value)))


def code(key: object) -> str:
    """Show a key; spaces at its ends stay visible."""
    shown = visible(str(key))
    inner = escape(shown.strip(" "))
    left, right = len(shown) - len(shown.lstrip(" ")), len(shown) - len(shown.rstrip(" "))
    if not shown.strip(" "):
        left, right, inner = len(shown), 0, ""
    return f"<code>{'&#9251;' * left}{inner}{'&#9251;' * right}</code>"


def section(title: str, body: str) -> str:
    """Frame a part of the page."""
    return f"<section>\n<h2>{text(title)}</h2>\n{body}\n</section>"


def listed(items: Iterable[str], kind: str = "ul") -> str:
    """Make a list of HTML fragments."""
    return f"<{kind}>{''.join(f'<li>{item}</li>' for item in items)}</{kind}>"


def heading(report: Item) -> str:
    """Say first what came of it."""
    verdict = report["verdict"]
    doubts = listed(text(item) for item in verdict["doubts"]) if verdict["doubts"] else ""
    route = " to ".join(f"<code>{text(report[name])}</code>" for name in ("source", "target") if report[name])
    when = (
        f"{text(readable(report['started_at']))} to {text(readable(report['ended_at']))}" if report["ended_at"] else ""
    )
    about = " &middot; ".join(part for part in (route, when) if part)
    return (
        f"<h1>{text(report['title'])}</h1>\n"
        f'<section class="verdict {verdict["level"]}" style="margin-top:0">'
        f'<div class="mark"><svg viewBox="0 0 24 24" aria-hidden="true">{_MARKS[verdict["level"]]}</svg></div>'
        f"<div><h2>{text(verdict['headline'])}</h2><p>{text(verdict['text'])}</p>{doubts}"
        f'<p class="quiet small">{about}</p></div></section>'
    )


def readable(when: str | None) -> str:
    """Write a moment for people."""
    return "" if not when else f"{when[:10]} {when[11:19]} UTC"


def tiles(report: Item) -> str:
    """Show the figures that matter most."""
    totals = report["totals"]
    figures = [
        ("Objects", f"{totals['objects']:,}"),
        ("Bytes", size_text(totals["bytes"])),
        ("Found the same", f"{totals['same']:,}"),
        ("Whole migration", duration(report["seconds"])),
    ]
    if report["frozen_seconds"] is not None:
        figures.append(("MLflow frozen", duration(report["frozen_seconds"])))
    if report["frozen_share"] is not None:
        figures.append(("Frozen, share", f"{report['frozen_share']:.1%}"))
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><span>{text(name)}</span><b>{text(value)}</b></div>' for name, value in figures)
        + "</div>"
    )


def phases(report: Item) -> str:
    """Show what took how long, and when writing to MLflow was stopped."""
    rows = [
        (item["name"], item["started_at"], item["ended_at"], "") for item in report["phases"] if item.get("ended_at")
    ]
    if report["frozen_at"] and report["thawed_at"]:
        rows.append(("MLflow frozen", report["frozen_at"], report["thawed_at"], " frozen"))
    if not rows:
        return ""
    begin = min(moment(row[1]) for row in rows)
    span = max(1.0, max(moment(row[2]) for row in rows) - begin)
    cells = []
    for name, started, ended, kind in rows:
        left = (moment(started) - begin) / span * 100
        width = (moment(ended) - moment(started)) / span * 100
        cells.append(
            f'<span class="name">{text(name)}</span><div class="lane"><div class="bar{kind}"'
            f' style="left:{min(left, 99.5):.2f}%;width:{width:.2f}%"></div></div>'
            f'<span class="time">{text(duration(moment(ended) - moment(started)))}</span>'
        )
    return section("What took how long", f'<div class="phases">{"".join(cells)}</div>')


def bucket_table(report: Item) -> str:
    """Show the counts of each bucket."""
    if not report["buckets"]:
        return ""
    heads = [
        "Bucket",
        "Objects",
        "Bytes",
        "Copied by mc",
        "Copied again",
        "The same",
        "Not the same",
        "Versions left",
    ]
    rows = []
    for row in report["buckets"]:
        wrong = sum(row.get(name) or 0 for name in ("different", "missing", "extra", "unreadable", "unsettled"))
        name = f"{row['bucket']}/{row['prefix']}" if row["prefix"] else row["bucket"]
        target = row.get("target_bucket")
        moved = f' <span class="quiet">to {text(target)}</span>' if target and target != row["bucket"] else ""
        copied = row["copied"]
        cells = [
            text(name) + moved,
            shown(row.get("objects")),
            "-" if row.get("bytes") is None else size_text(row["bytes"]),
            shown(copied.get("mirror", {}).get("objects")),
            shown(copied.get("again", {}).get("objects")),
            f'<b class="good">{row["same"]:,}</b>' if row["compared"] else "not compared",
            (f'<b class="bad">{wrong:,}</b>' if wrong else "0") if row["compared"] else "-",
            shown((row.get("versions") or 0) + (row.get("delete_markers") or 0)),
        ]
        rows.append(
            "<tr>"
            + "".join(f'<td data-label="{escape(head)}"><span>{cell}</span></td>' for head, cell in zip(heads, cells))
            + "</tr>"
        )
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return section(
        "Buckets", f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def shown(count: int | None) -> str:
    """Write a count, or a dash."""
    return "-" if count is None else f"{count:,}"


def proof(report: Item) -> str:
    """Show how content was compared, before the freeze and in it."""
    blocks = [
        f"<h3>{title}</h3>{bar}"
        for title, counts in (
            ("Compared while MLflow was used", report["earlier_proof"]),
            ("Compared in the end", report["proof"]),
        )
        if (bar := ways(counts))
    ]
    if not blocks:
        return ""
    notes = [
        "Content type, cache and disposition headers, user metadata and tags were compared for every object too, by a"
        " tool that shares nothing with the one that copied."
    ]
    if report["unchanged"]:
        count = number(report["unchanged"], "object")
        notes.append(f"{count} stood in both listings as when they were compared, and were not compared twice.")
    note = "".join(f'<p class="quiet small">{text(line)}</p>' for line in notes)
    return section("How content was proven", note + "".join(blocks))


def ways(counts: Mapping[str, int]) -> str:
    """Show how many objects were compared in which way."""
    whole = sum(counts.values())
    bar = kinds = ""
    for name, count in counts.items():
        if count:
            title, meaning = _KINDS[name]
            bar += f'<i class="k-{escape(name)}" style="width:{count / whole:.2%}"></i>'
            kinds += (
                f'<div><i class="dot k-{escape(name)}"></i><b>{text(title)}</b>'
                f"<span>{count:,} <span class='quiet'>{text(meaning)}</span></span></div>"
            )
    return f'<div class="stack">{bar}</div><div class="kinds">{kinds}</div>' if whole else ""


def finding_lists(report: Item) -> str:
    """Name the objects that are not the same."""
    blocks = []
    for item in report["findings"]:
        keys = [code(entry["key"]) + (f" {text(entry['why'])}" if entry["why"] else "") for entry in item["entries"]]
        blocks.append(
            f'<h3 class="bad-text">{text(item["bucket"])}: {text(_FINDINGS[item["kind"]])} ({item["count"]:,})</h3>'
            + listed(keys)
            + more(item["count"], len(keys))
        )
    return section("Not the same on both sides", "".join(blocks)) if blocks else ""


def more(count: int, shown_count: int) -> str:
    """Say that a list goes on elsewhere."""
    return f'<p class="quiet small">and {count - shown_count:,} more, in the journal</p>' if count > shown_count else ""


def passes(report: Item) -> str:
    """Plot the rates of each pass."""
    blocks = []
    for item in report["passes"]:
        rates = item["rates"]
        span = duration(item["seconds"])
        facts = f"{number(item['objects'], 'object')}, {size_text(item['bytes'])}, {span}"
        block = f'<h3>{text(item["name"])}</h3><p class="quiet small">{text(facts)}</p>'
        if item["seconds"] >= 3 and item["objects"]:
            block += (
                '<div class="plots">'
                + plot("Bytes", rates["bytes_per_second"], lambda value: f"{size_text(value)}/s", span, "bytes")
                + plot("Objects", rates["objects_per_second"], lambda value: f"{value:,.4g}/s", span, "objects")
                + "</div>"
            )
        if item["failed_count"]:
            keys = [f"{code(entry['key'])} {text(entry['reason'])}" for entry in item["failed"][:MAX_KEYS]]
            block += f"<p>{number(item['failed_count'], 'object')} failed in this pass:</p>{listed(keys)}"
            block += more(item["failed_count"], len(keys))
        block += listed(text(error) for error in item["errors"]) if item["errors"] else ""
        blocks.append(block)
    return section("Copying", "".join(blocks)) if blocks else ""


def sample(report: Item) -> str:
    """Show the artifacts that were read back through MLflow."""
    if not report["sample"]:
        return ""
    right = sum(1 for item in report["sample"] if item.get("same"))
    rows = [
        (
            '<span class="chip good">same</span> '
            if item.get("same")
            else '<span class="chip warning">not the same</span> '
        )
        + code(item.get("uri") or item.get("path", ""))
        + (f' <span class="quiet">{size_text(item["bytes"])}</span>' if item.get("bytes") is not None else "")
        + (f' <span class="quiet">{text(item["reason"])}</span>' if item.get("reason") else "")
        for item in report["sample"][:MAX_KEYS]
    ]
    drawn = f"{right} of {number(len(report['sample']), 'artifact')}, drawn from the database,"
    note = f"{drawn} read back the same as on the source."
    return section(
        "Read back through MLflow", f"<p>{text(note)}</p><details><summary>Which ones</summary>{listed(rows)}</details>"
    )


def left_out(report: Item) -> str:
    """Name what did not come along."""
    if not report["left_out"]:
        return section("Left out", "<p>Nothing: all that the source holds came along.</p>") if report["buckets"] else ""
    blocks = []
    for item in report["left_out"]:
        accepted = item.get("code") in report["accepted"]
        chip = '<span class="chip good">accepted</span>' if accepted else ""
        examples = ", ".join(code(key) for key in (item.get("examples") or [])[:10])
        blocks.append(
            f'<div class="limit"><p><span class="chip">{text(item.get("code", ""))}</span>{chip}</p>'
            f"<p>{text(item.get('text', ''))}</p>"
            + (f'<p class="examples">{examples}</p>' if examples else "")
            + "</div>"
        )
    return section("Left out", "".join(blocks))


def settings(report: Item) -> str:
    """Say which settings came along and what is left to people."""
    body = ""
    if report["carried"]:
        body += "<h3>Carried over</h3>" + listed(text(item) for item in report["carried"])
    if report["by_hand"]:
        body += "<h3>To be done by hand</h3>" + listed(text(item) for item in report["by_hand"])
    return section("Settings, users and policies", body) if body else ""


def next_steps(report: Item) -> str:
    """Say what comes next."""
    return (
        section("What to do next", listed((text(item) for item in report["next_steps"]), "ol"))
        if report["next_steps"]
        else ""
    )
