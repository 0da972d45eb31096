"""RustFS's admin API, which nobody reaches from outside: MLflow's container reaches RustFS, and has botocore."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conftest import Platform

Ask = Callable[[str], Any]

# With the administrator's keys from standard input.
PROGRAM = """
import json, ssl, sys, urllib.request
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
request = AWSRequest(method="GET", url=sys.argv[1], data=b"")
S3SigV4Auth(Credentials(*json.load(sys.stdin)), "s3", "us-east-1").add_auth(request)
prepared = request.prepare()
asked = urllib.request.Request(prepared.url, headers=dict(prepared.headers))
trusted = ssl.create_default_context(cafile=sys.argv[2]) if sys.argv[2:] else None
print(urllib.request.urlopen(asked, timeout=30, context=trusted).read().decode())
"""


def administrator(platform: Platform, store: Platform, endpoint_url: str, *ca_path: str) -> Ask:
    """Return what asks for a path of the API, with the keys that a server of the store keeps."""

    def ask(question: str) -> Any:
        keys = [store.secret("rustfs_root_access_key"), store.secret("rustfs_root_secret_key")]
        platform.write("/run/keys", json.dumps(keys))
        words = (f"{endpoint_url}/rustfs/admin/v3/{question}", *ca_path)
        command = "docker exec --interactive mlflow-mlflow-1 python3 -c %s" + " %s" * len(words)
        answer = platform.host.check_output(f"{command} < /run/keys; rm /run/keys", PROGRAM, *words)
        return json.loads(answer)

    return ask
