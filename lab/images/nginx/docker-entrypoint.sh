#!/bin/sh
# Runs what an image derived from this one left in /docker-entrypoint.d, then the command.
set -e

case "$1" in
nginx | nginx-debug)
    for file in /docker-entrypoint.d/*; do
        case "$file" in
        *.envsh) [ ! -x "$file" ] || . "$file" ;;
        *.sh) [ ! -x "$file" ] || "$file" ;;
        esac
    done
    ;;
esac

exec "$@"
