#!/bin/sh
# Takes secrets from files into the environment of the server, where MLflow and boto3 look for them,
# so that they are neither in the container's settings nor on a command line.
set -eu

for name in MLFLOW_BACKEND_STORE_URI AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY MLFLOW_FLASK_SERVER_SECRET_KEY MLFLOW_AUTH_ADMIN_PASSWORD; do
    eval "file=\${${name}_FILE:-}"
    if [ -n "$file" ]; then
        value=$(cat "$file")
        export "$name=$value"
    fi
done

exec "$@"
