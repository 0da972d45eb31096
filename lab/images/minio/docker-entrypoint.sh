#!/bin/sh
# `server /data` stands for `minio server /data`.
set -e

case "${1:-}" in
minio) ;;
*) [ -z "${1:-}" ] || command -v "$1" > /dev/null || set -- minio "$@" ;;
esac

exec "$@"
