"""Fetch the scripts that are not ours, each by name, version and hash; keep their licences.

What pages load lies in the package; what only the tests of pages load (axe-core) lies beside those.

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

ROOT = Path(__file__).parent.parent
PAGES = "src/otoscope/reporting/assets/vendor"
TESTS = "tests/browser/vendor"


class Package(NamedTuple):
    """A package of the npm registry.

    Attributes:
        name: of the package.
        version: of the package.
        integrity: of its archive, as the registry gives it: SHA-512 in base 64.
        place: the folder, from the repository's root, that its files are written to.
        files: by the path in the archive: the name in our folder, and the file's SHA-256.
    """

    name: str
    version: str
    integrity: str
    place: str
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
        PAGES,
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
    Package(
        "axe-core",
        "4.11.0",
        "sha512-ilYanEU8vxxBexpJd8cWM4ElSQq4QctCLKih0TSfjIfCQTeyH/6zVrmIJfLPrKTKJRbiG+cfnZbQIjAlJmF1jQ==",
        TESTS,
        {
            "package/axe.min.js": (
                "axe.min.js",
                "e9e5863c33a874f09bc01acd9234b7e3c871479f5eef8802fa582544465e6d01",
            ),
            "package/LICENSE": (
                "axe.LICENSE.txt",
                "af175b9d96ee93c21a036152e1b905b0b95304d4ae8c2c921c7609100ba8df7e",
            ),
            "package/LICENSE-3RD-PARTY.txt": (
                "axe.LICENSE-3RD-PARTY.txt",
                "4f8563870d0fca38bbc3e00b6f670cb7fa9f380ba9f26a7f7d1184a6b18b1653",
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
            (ROOT / package.place / name).write_bytes(content)


def notice(place: str) -> str:
    """What a folder says of itself."""
    lines = [
        "Scripts in this folder are not ours; they are unchanged. `python tools/vendor.py` fetched them.",
        "",
    ]
    for package in packages(place):
        lines.append(f"{package.name} {package.version}, {package.url}")
        lines += [f"    {name}  sha256 {digest}" for name, digest in package.files.values()]
    return "\n".join(lines) + "\n"


def packages(place: str) -> list[Package]:
    """Those whose files lie in a folder."""
    return [package for package in PACKAGES if package.place == place]


def wrong(place: str, root: Path = ROOT) -> list[str]:
    """What in a folder is not as pinned, one line each; nothing if all is well."""
    found = []
    for package in packages(place):
        for name, expected in package.files.values():
            path = root / place / name
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
            if digest != expected:
                found.append(f"{place}/{name}: {digest}; expected {expected}")
    written = root / place / "NOTICE.txt"
    if not written.is_file() or written.read_text(encoding="utf-8") != notice(place):
        found.append(f"{place}/NOTICE.txt does not say what this script does: run it without --check")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="fetch nothing; exit 1 if a file differs")
    check = parser.parse_args().check
    for place in (PAGES, TESTS):
        if not check:
            (ROOT / place).mkdir(parents=True, exist_ok=True)
            for package in packages(place):
                fetch(package)
            (ROOT / place / "NOTICE.txt").write_text(notice(place), encoding="utf-8")
    if found := [line for place in (PAGES, TESTS) for line in wrong(place)]:
        sys.exit("\n".join(found))
    print("all as pinned")


if __name__ == "__main__":
    main()
