"""Print path and SHA-256 of a WAR as JSON; make the WAR first if a folder is given.

usage: find_application.py WAR_OR_FOLDER BUILD_DIRECTORY

The same folder gives the same bytes on every machine: names sorted, times fixed, nothing compressed
(what zlib makes of a file depends on its version). Hidden files and editors' copies stay out.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name


def members(folder: Path) -> list[Path]:
    """The files of the application, in an order that does not depend on the file system."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [
        path
        for path in files
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and not path.name.endswith("~")
    ]
    return sorted(kept, key=lambda path: path.relative_to(folder).as_posix())


def pack(folder: Path, war: Path) -> None:
    """Make the WAR, unless the one that is there has the same bytes."""
    part = war.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in members(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    part.replace(war)


def main() -> None:
    source, build = Path(sys.argv[1]).expanduser(), Path(sys.argv[2])
    war = source
    if source.is_dir():
        if not (source / "WEB-INF").is_dir():
            sys.exit(f"{source} has no folder WEB-INF, so it is not the contents of a WAR")
        build.mkdir(parents=True, exist_ok=True)
        war = build / f"{source.resolve().name}.war"
        pack(source, war)
    elif not zipfile.is_zipfile(source):
        sys.exit(f"{source} is neither a WAR nor a folder with the contents of one")
    digest = hashlib.sha256(war.read_bytes()).hexdigest()
    sys.stdout.write(json.dumps({"path": str(war.resolve()), "sha256": digest}) + "\n")


if __name__ == "__main__":
    main()
