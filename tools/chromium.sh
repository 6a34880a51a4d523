#!/bin/sh
# Makes sure that a Chromium is installed: the system's own, else the distribution's package.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

hint="the tests of pages need Chromium, which is not installed; install it (Debian: apt-get install chromium)"
if ! command -v apt-get >/dev/null; then
    echo "$hint" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    root="sudo -n"
else
    echo "$hint, as root" >&2
    exit 1
fi
$root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends chromium
