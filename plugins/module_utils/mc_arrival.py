# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether single objects have arrived, where mc does not tell: asked of both stores."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import error_code

THREADS = 8
MAX_KEYS = 1000
# Last-Modified has whole seconds, and the clocks of two computers are never quite the same.
CLOCK_SECONDS = 60


def judge(source: dict[str, Any] | None, target: dict[str, Any] | None, started_at: float) -> str | None:
    """Return why an object has not arrived, or None; both sides are answers to HEAD, None where there is no object."""
    if source is None:
        # It was deleted meanwhile: there is nothing to copy.
        return None
    if target is None:
        return "is not on the target after mc's retries; the usual reason is that the access key may not write it"
    if source["ContentLength"] != target["ContentLength"]:
        return f"has {target['ContentLength']} bytes on the target and {source['ContentLength']} on the source"
    if source["ETag"] == target["ETag"]:
        return None
    written: datetime = target["LastModified"]
    if written < datetime.fromtimestamp(started_at - CLOCK_SECONDS, timezone.utc):
        return "is older on the target than this copy: mc's retries did not replace it"
    return None


class Arrivals:
    """Looks at both stores with boto3 clients."""

    def __init__(self, source: Any, target: Any, bucket: str, target_bucket: str) -> None:
        self.sides = ((source, bucket), (target, target_bucket))

    def __call__(self, keys: Iterable[str], started_at: float) -> dict[str, str | None]:
        """Tell of the first thousand keys why each has not arrived; None for those that have."""
        some = list(keys)[:MAX_KEYS]
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(some, pool.map(lambda key: self._reason(key, started_at), some)))

    def _reason(self, key: str, started_at: float) -> str | None:
        answers = []
        for client, bucket in self.sides:
            try:
                answers.append(client.head_object(Bucket=bucket, Key=key))
            except Exception as error:
                code = error_code(getattr(error, "response", {}))
                if code not in ("404", "NoSuchKey", "NotFound"):
                    return f"was retried by mc, and asking for it ended with {code or type(error).__name__}"
                answers.append(None)
        return judge(answers[0], answers[1], started_at)
