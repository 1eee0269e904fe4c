#!/bin/sh
# The extension module under AddressSanitizer and UndefinedBehaviorSanitizer, on random instances.
#   tests/sanitizers/run.sh [INSTANCES]
# Needs gcc or clang as CC (default cc), and PYTHON (default python) with mpsolve's dependencies.
set -eu
cd "$(dirname "$0")/../.."
python="${PYTHON:-python}" cc="${CC:-cc}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all"
CFLAGS="$sanitizers -fno-omit-frame-pointer -g" LDFLAGS="$sanitizers" \
    "$python" setup.py -q build_ext --build-lib "$folder" --build-temp "$folder/objects"
# Python itself is not built with them: their libraries come first, and what it leaks is its own.
LD_PRELOAD="$("$cc" -print-file-name=libasan.so) $("$cc" -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=. \
    "$python" tests/sanitizers/campaign.py "$folder" "${1:-3000}"
