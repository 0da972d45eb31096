#!/bin/bash
# Makes the volume folders, which the server itself does not, and starts it with them.
set -euo pipefail

case "${1:-}" in
rustfs | /usr/bin/rustfs) shift ;;
esac

# expand WORD: prints WORD with every {first...last} counted out, one result per line.
expand() {
    local number
    if [[ $1 =~ ^([^{]*)\{([0-9]+)\.\.\.([0-9]+)\}(.*)$ ]]; then
        local before=${BASH_REMATCH[1]} first=${BASH_REMATCH[2]} last=${BASH_REMATCH[3]} after=${BASH_REMATCH[4]}
        for ((number = first; number <= last; number++)); do
            expand "$before$number$after"
        done
    else
        printf '%s\n' "$1"
    fi
}

paths=()
read -r -a volumes <<< "${RUSTFS_VOLUMES//[,$'\t']/ }"
for volume in "${volumes[@]}"; do
    while IFS= read -r place; do
        case "$place" in
        /*)
            mkdir -p "$place"
            paths+=("$place")
            ;;
        # A volume of several servers: this server holds the path below one of the addresses.
        *://*/*) mkdir -p "/${place#*://*/}" ;;
        esac
    done < <(expand "$volume")
done

log_folder=${RUSTFS_OBS_LOG_DIRECTORY:-}
case "$log_folder" in
'' | *://*) ;;
*) mkdir -p "$log_folder" ;;
esac

for argument; do
    case "$argument" in
    /*) exec /usr/bin/rustfs "$@" ;;
    esac
done
exec /usr/bin/rustfs "$@" "${paths[@]}"
