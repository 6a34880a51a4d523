"""Fetch the scripts that are not ours into the package, each by name, version and hash; keep their licences.

    python tools/vendor.py            fetch them
    python tools/vendor.py --check    say whether the files in the tree are those (no network)

To take another version: change VERSION, INTEGRITY and the hashes below to what `npm view NAME dist` and the
error of a run say, and read the package's changes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

PLACE = Path(__file__).parent.parent / "src/otoscope/reporting/assets/vendor"


class Package(NamedTuple):
    """A package of the npm registry.

    Attributes:
        name: of the package.
        version: of the package.
        integrity: of its archive, as the registry gives it: SHA-512 in base 64.
        files: by the path in the archive: the name in our folder, and the file's SHA-256.
    """

    name: str
    version: str
    integrity: str
    files: dict[str, tuple[str, str]]

    @property
    def url(self) -> str:
        """Where its archive lies."""
        return f"https://registry.npmjs.org/{self.name}/-/{self.name}-{self.version}.tgz"


PACKAGES = (
    Package(
        "plotly.js-cartesian-dist-min",
        "4.1.1",
        "sha512-o8GrFeusncwBIxbBynRJpY4pkgVB6caM+JLpwrLYbbsO7dZ8FJ+SVN2Fr+L7kiG/Z6w4P5O0Jus/Qr5EefHVeg==",
        {
            "package/plotly-cartesian.min.js": (
                "plotly-cartesian.min.js",
                "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a",
            ),
            "package/LICENSE": (
                "plotly-cartesian.LICENSE.txt",
                "8c45d9eaf50c2f72dd9c7ab9ef440788ba58a3538484b5c51c1f17d5128752e7",
            ),
        },
    ),
)


def fetch(package: Package) -> None:
    """Write a package's files, if its archive and they are what is expected."""
    with urllib.request.urlopen(package.url, timeout=60) as answer:
        archive = answer.read()
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.integrity:
        sys.exit(f"{package.url} has the hash {found}; expected {package.integrity}: nothing written")
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for path, (name, expected) in package.files.items():
            member = members.extractfile(path)
            content = member.read() if member else b""
            if (digest := hashlib.sha256(content).hexdigest()) != expected:
                sys.exit(f"{path} of {package.name} has the hash {digest}; expected {expected}")
            (PLACE / name).write_bytes(content)


def notice() -> str:
    """What the folder says of itself."""
    lines = [
        "Scripts in this folder are not ours; they are unchanged. `python tools/vendor.py` fetched them.",
        "",
    ]
    for package in PACKAGES:
        lines.append(f"{package.name} {package.version}, {package.url}")
        lines += [f"    {name}  sha256 {digest}" for name, digest in package.files.values()]
    return "\n".join(lines) + "\n"


def wrong() -> list[str]:
    """What in the tree is not as pinned, one line each; nothing if all is well."""
    found = []
    for package in PACKAGES:
        for name, expected in package.files.values():
            path = PLACE / name
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
            if digest != expected:
                found.append(f"{name}: {digest}; expected {expected}")
    written = PLACE / "NOTICE.txt"
    if not written.is_file() or written.read_text(encoding="utf-8") != notice():
        found.append("NOTICE.txt does not say what this script does: run it without --check")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="fetch nothing; exit 1 if a file differs")
    if not parser.parse_args().check:
        PLACE.mkdir(parents=True, exist_ok=True)
        for package in PACKAGES:
            fetch(package)
        (PLACE / "NOTICE.txt").write_text(notice(), encoding="utf-8")
    if found := wrong():
        sys.exit("\n".join(found))
    print("all as pinned")


if __name__ == "__main__":
    main()
