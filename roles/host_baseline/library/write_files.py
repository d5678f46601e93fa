#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""Write several files, all of them or none, and run the units that read them, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: write_files
short_description: Write several files and run the units that read them, in one call
description:
  - Does for many files and units what M(ansible.builtin.template), M(ansible.builtin.file) and
    M(ansible.builtin.systemd_service) do for one. They start a module or two for each, and starting one costs
    more than its work.
  - Every file that differs is validated before the first is put in place. One that is refused
    therefore leaves all as they were.
  - A unit that has not read a file since it was changed, whoever changed it, is restarted or reloaded. "Did
    this run write something" would not do. A run that ends between the file and the restart leaves the old
    settings in force, and the next one finds nothing to do.
options:
  files:
    description: The files, in the order in which they are put in place.
    type: list
    elements: dict
    required: true
    suboptions:
      dest:
        description: Where it goes. Folders above it that are missing are made, for root, with mode 0755.
        type: path
        required: true
      content:
        description: What is to be in it. Required if there is no O(files[].template).
        type: str
        required: true
      template:
        description: A template of the role, which gives what is to be in it.
        type: str
      vars:
        description: Variables for the template, besides those of the task.
        type: dict
      owner:
        description: Whose it is; if empty, it is left as it is.
        type: str
        default: root
      group:
        description: The group whose it is; if empty, it is left as it is.
        type: str
        default: root
      mode:
        description: Who may do what with it.
        type: str
        default: "0644"
      validate:
        description:
          - A command that ends with 0 if the content is good; C(%s) is a copy to look at. It is not
            asked in check mode, in which the program may not be there yet.
        type: str
        default: ""
      proven:
        description: Where a copy is kept of what was proven to be good; see RV(unproven).
        type: path
        default: ""
  folders:
    description: Folders that are made before the files are put in place.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is. Folders above it that are missing are made, for root, with mode 0755.
        type: path
        required: true
      owner:
        description: Whose it is; if empty, it is left as it is.
        type: str
        default: root
      group:
        description: The group whose it is; if empty, it is left as it is.
        type: str
        default: root
      mode:
        description: Who may do what with it.
        type: str
        default: "0755"
  links:
    description: Symbolic links, each with what it leads to. A link that leads elsewhere is replaced, a file is not.
    type: dict
    default: {}
  units:
    description:
      - Units of systemd that are started, restarted, reloaded or stopped once the files are in place, and what
        they must have read. A file that is missing needs no reader. systemd is reloaded where it has to be.
    type: list
    elements: dict
    default: []
    suboptions:
      unit:
        description: The name of the unit.
        type: str
        required: true
      state:
        description: What it should be; C(read) restarts it if it has not read a file, and nothing else.
        type: str
        choices: [started, stopped, read]
        default: started
      enabled:
        description: Whether a boot starts it. Left as it is if not given.
        type: bool
      start_files:
        description: Paths that it reads when it starts, also of files that others write.
        type: list
        elements: path
        default: []
      reload_files:
        description: Paths that it reads also when it is reloaded.
        type: list
        elements: path
        default: []
      later:
        description: Whether to do nothing about it, and only to tell in RV(units) what it would take.
        type: bool
        default: false
author: the Onebox authors
"""

EXAMPLES = r"""
- name: Write the settings
  write_files:
    files:
      - dest: /etc/sysctl.d/50-example.conf
        template: sysctl.conf.j2
      - dest: /usr/local/sbin/example
        template: example.j2
        mode: "0755"
        validate: sh -n %s
    units:
      - {unit: example, enabled: true, start_files: [/usr/local/sbin/example]}
      - {unit: systemd-sysctl, state: read, start_files: [/etc/sysctl.d/50-example.conf]}
"""

RETURN = r"""
written:
  description: Files, folders and links that were not as they should be, in content or owner or mode.
  type: list
  elements: str
  returned: always
unproven:
  description: Those whose copy of O(files[].proven) is another, or not there.
  type: list
  elements: str
  returned: always
units:
  description: Each unit with something to do, and the verbs of systemctl that did it, or in check mode would.
  type: dict
  returned: always
  sample: {nginx: [reload]}
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.host_units import UNIT, settle

FILE = {
    "dest": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0644"},
    "validate": {"type": "str", "default": ""},
    "proven": {"type": "path", "default": ""},
}
FOLDER = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0755"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True, "options": FILE},
            "folders": {"type": "list", "elements": "dict", "default": [], "options": FOLDER},
            "links": {"type": "dict", "default": {}},
            "units": {"type": "list", "elements": "dict", "default": [], "options": UNIT},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    files = module.params["files"]
    before = {file["dest"]: content_of(Path(file["dest"])) for file in files}
    other = [] if module.check_mode else [file for file in files if before[file["dest"]] != file["content"]]
    with tempfile.TemporaryDirectory() as folder:
        staged = {file["dest"]: stage(module, file, Path(folder)) for file in other}
        diffs = [make_folder(module, folder) for folder in module.params["folders"]]
        diffs += [put_right(module, file, before, staged) for file in files]
        diffs += [make_link(module, path, target) for path, target in module.params["links"].items()]
    diffs = [diff for diff in diffs if diff]
    written = [diff["after_header"] for diff in diffs]
    unproven = [
        file["dest"] for file in files if file["proven"] and content_of(Path(file["proven"])) != file["content"]
    ]
    units = settle(module, written)
    acted = [unit["unit"] for unit in module.params["units"] if unit["unit"] in units and not unit["later"]]
    diffs += [{"prepared": f"{unit}: {', '.join(units[unit])}\n"} for unit in acted]
    module.exit_json(changed=bool(diffs), written=written, unproven=unproven, units=units, diff=diffs)


def content_of(path: Path) -> str | None:
    """What is in the file; none if there is no file."""
    return path.read_bytes().decode(errors="replace") if path.is_file() else None


def stage(module: AnsibleModule, file: dict[str, Any], folder: Path) -> str:
    """A copy of what is to be written, which its program has accepted."""
    copy = folder / file["dest"].replace("/", "_")
    copy.touch(mode=0o600)
    copy.write_bytes(file["content"].encode())
    if file["validate"]:
        status, said, complained = module.run_command(file["validate"].replace("%s", str(copy)))
        if status != 0:
            words = (said + complained).replace(str(copy), file["dest"]).strip()
            module.fail_json(f"Nothing was written, because {file['dest']} would not be good: {words}", rc=status)
    return str(copy)


def put_right(
    module: AnsibleModule, file: dict[str, Any], before: dict[str, str | None], staged: dict[str, str]
) -> dict[str, Any]:
    """Put one file in place, where it is not as it should be; what that changes, as --diff prints it."""
    path, old = file["dest"], before[file["dest"]]
    if path in staged:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        module.atomic_move(staged[path], path)
    attributes = put_attributes_right(module, file, path, old != file["content"])
    return told(path, old or "", file["content"]) if old != file["content"] else attributes


def make_folder(module: AnsibleModule, folder: dict[str, Any]) -> dict[str, Any]:
    """Make one, where there is none, and put it right; what that changes."""
    path = folder["path"]
    missing = not Path(path).is_dir()
    if missing and not module.check_mode:
        Path(path).mkdir(parents=True)
    attributes = put_attributes_right(module, folder, path, missing)
    return told(path, "", "a folder\n") if missing else attributes


def make_link(module: AnsibleModule, path: str, target: str) -> dict[str, Any]:
    """Make one, or let it lead to its target; what that changes."""
    old = str(Path(path).readlink()) if Path(path).is_symlink() else ""
    if old == target:
        return {}
    if not old and Path(path).exists():
        module.fail_json(f"{path} should be a link to {target}, and is something else. Move it away, or delete it.")
    if not module.check_mode:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
            Path(folder, "link").symlink_to(target)
            Path(folder, "link").replace(path)
    return told(path, old and f"a link to {old}\n", f"a link to {target}\n")


def put_attributes_right(module: AnsibleModule, wanted: dict[str, Any], path: str, changed: bool) -> dict[str, Any]:
    """Have owner, group and mode as they should be; what that changes."""
    attributes: dict[str, Any] = {}
    arguments = module.load_file_common_arguments({key: value or None for key, value in wanted.items()}, path=path)
    if not module.set_fs_attributes_if_different(arguments, changed, attributes) or changed:
        return {}
    sides = (attributes["before"], attributes["after"])
    return told(path, *("".join(f"{name}: {value}\n" for name, value in side.items()) for side in sides))


def told(path: str, before: str, after: str) -> dict[str, Any]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


if __name__ == "__main__":
    main()
