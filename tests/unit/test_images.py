"""Each system by a word: the pattern finds its image and no other, and what cannot work is refused with the reason."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
UBUNTU = "ubuntu/images/hvm-ssd-gp3/ubuntu"
# How their makers call them.
NAMES = {
    ("debian-13", "amd64"): "debian-13-amd64-20261121-2301",
    ("debian-13", "arm64"): "debian-13-arm64-20261121-2301",
    ("ubuntu-24.04", "amd64"): f"{UBUNTU}-noble-24.04-amd64-server-20261101",
    ("ubuntu-24.04", "arm64"): f"{UBUNTU}-noble-24.04-arm64-server-20261101",
    ("ubuntu-26.04", "amd64"): f"{UBUNTU}-resolute-26.04-amd64-server-20261101",
    ("ubuntu-26.04", "arm64"): f"{UBUNTU}-resolute-26.04-arm64-server-20261101",
    ("amazon-linux-2023", "amd64"): "al2023-ami-2023.12.20260930.0-kernel-6.18-x86_64",
    ("amazon-linux-2023", "arm64"): "al2023-ami-2023.12.20260930.0-kernel-6.18-arm64",
}
OTHERS = (
    "debian-13-backports-amd64-20261121-2301",
    "debian-14-amd64-daily-20261121-2301",
    f"{UBUNTU}-minimal/ubuntu-noble-24.04-amd64-minimal-20261101",
    "al2023-ami-minimal-2023.12.20260930.0-kernel-6.18-x86_64",
    "al2023-ami-ecs-hvm-2023.0.20261001-kernel-6.18-x86_64",
)
USERS = {"debian-13": "admin", "ubuntu-24.04": "ubuntu", "ubuntu-26.04": "ubuntu", "amazon-linux-2023": "ec2-user"}


def chosen(image: str, architecture: str) -> dict[str, Any]:
    """The entry of a system, as group_vars has it for an architecture."""
    table = yaml.safe_load((REPO / "group_vars/all/instances.yml").read_text())["image_table"][image]
    return {key: jinja2.Template(value).render(architecture=architecture) for key, value in table.items()}


@pytest.mark.parametrize(("image", "architecture"), NAMES)
def test_a_pattern_finds_its_image_and_no_other(image: str, architecture: str) -> None:
    entry = chosen(image, architecture)
    assert [name for name in (*NAMES.values(), *OTHERS) if fnmatchcase(name, entry["name"])] == [
        NAMES[image, architecture]
    ]
    assert entry["user"] == USERS[image]


@pytest.mark.parametrize(("image", "architecture"), NAMES)
def test_only_debian_on_arm64_is_refused_with_what_to_take_instead(image: str, architecture: str) -> None:
    refused = chosen(image, architecture)["refused"]
    assert bool(refused) == ((image, architecture) == ("debian-13", "arm64"))
    assert not refused or "image: ubuntu-26.04, in group_vars/all/instances.yml" in refused
