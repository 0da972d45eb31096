#!/bin/sh
# Runs in the build container; started again after an interruption, cargo goes on where it was.
set -eu
cd /build
export CARGO_HOME=/build/cargo
export RUSTFLAGS="-C link-arg=-fuse-ld=mold"
exec nice -n 10 cargo install "rustfs@${RUSTFS_VERSION}" --locked --no-default-features \
    --root /build/out --target-dir /build/target --timings
