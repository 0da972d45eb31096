"""What the figures of the migration are measured with."""

from __future__ import annotations

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import parse_page

from tools import s3_listings
from tools.migration_figures import row


@pytest.mark.parametrize("objects", [0, 1, 999, 1000, 2345])
def test_synthetic_listing_is_whole_and_sorted(objects: int) -> None:
    keys: list[str] = []
    query = "list-type=2&max-keys=1000"
    while True:
        page = parse_page(s3_listings.listing(objects, query))
        keys += [entry.key for entry in page.entries]
        assert all(entry.tags == "" for entry in page.entries)
        if not page.truncated:
            break
        query = f"list-type=2&max-keys=1000&continuation-token={page.token}"
    assert keys == sorted(keys) == [s3_listings.key_of(number) for number in range(objects)]
    assert [s3_listings.number_of(key) for key in keys] == list(range(objects))


def test_row_is_of_medians() -> None:
    pairs = [(10.0, 100.0), (20.0, 100.0), (90.0, 300.0)]
    assert row("a ÷ b", pairs, "1 or less") == "| a ÷ b | 20.0 s | 100.0 s | 0.20 | 1 or less |"
