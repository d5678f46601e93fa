# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Where the WAR is, and what its checksum is; the WAR is made first if there is a folder instead."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: tomcat_application
short_description: Find a WAR, or make it of a folder
description:
  - The same folder gives the same bytes on every machine. Names are sorted, times fixed, and nothing is compressed,
    because what zlib makes of a file depends on its version. Hidden files and editors' copies stay out.
version_added: "0.1.0"
author: the Onebox authors
options:
  _terms:
    description: A WAR, or a folder with the contents of one. A relative path begins where Ansible was started.
    required: true
  build_directory:
    description: Where a WAR is made.
    type: path
    required: true
"""

RETURN = r"""
_raw:
  description: C(path) and C(sha256) of the WAR.
  type: list
  elements: dict
"""

REMEDY = "Change app_war in group_vars/all/app.yml."
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


def found(source: Path, build: Path) -> dict[str, str]:
    war = source
    if source.is_dir():
        if not (source / "WEB-INF").is_dir():
            raise AnsibleLookupError(f"{source} has no folder WEB-INF, so it is not the contents of a WAR. {REMEDY}")
        build.mkdir(parents=True, exist_ok=True)
        war = build / f"{source.resolve().name}.war"
        pack(source, war)
    elif not zipfile.is_zipfile(source):
        raise AnsibleLookupError(f"{source} is neither a WAR nor a folder with the contents of one. {REMEDY}")
    with war.open("rb") as file:
        return {"path": str(war.resolve()), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


class LookupModule(LookupBase):
    """Ansible looks for this name."""

    def run(self, terms: list[str], variables: dict[str, object] | None = None, **options: str) -> list[dict[str, str]]:
        return [found(Path(term).expanduser(), Path(options["build_directory"])) for term in terms]
