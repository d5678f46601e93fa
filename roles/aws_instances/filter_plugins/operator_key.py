# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It runs inside Ansible, which has this licence.
"""Tell what is wrong with the operator's key pair, before a machine is made that nobody can enter."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

EC2_TYPES = ("ssh-ed25519", "ssh-rsa")
WHERE = "operator_ssh_key in group_vars/all/operator.yml"


def operator_key_problems(path: str) -> list[str]:
    """Return one sentence for each mistake: the value, why it cannot work, what to do."""
    private = Path(path).expanduser()
    public = private.with_name(private.name + ".pub")
    return list(_private_problems(private)) + list(_public_problems(public, private))


def _private_problems(private: Path) -> Iterator[str]:
    if private.suffix == ".pub":
        yield f"{private} is a public key, but {WHERE} names the private one. Leave out the .pub there."
    elif not private.exists():
        # A key in the agent, or on a stick, has no private file here.
        if not os.environ.get("SSH_AUTH_SOCK"):
            yield (
                f"There is no private key {private}, and no agent that could hold it: nobody could log in. "
                f"Make one (ssh-keygen -t ed25519 -f {private}), or change {WHERE}."
            )
    elif not os.access(private, os.R_OK):
        yield f"The private key {private} cannot be read by this user. Change its owner, or change {WHERE}."
    elif private.stat().st_mode & 0o077:
        mode = private.stat().st_mode & 0o777
        yield f"The private key {private} has mode {mode:04o}, and ssh ignores such a key. Run: chmod 600 {private}"


def _public_problems(public: Path, private: Path) -> Iterator[str]:
    try:
        words = public.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        yield (
            f"The public key {public} cannot be read, and EC2 must be given it. "
            f"Make it (ssh-keygen -y -f {private} > {public}), or change {WHERE}."
        )
        return
    if not words or words[0] not in EC2_TYPES:
        kind = words[0] if words else "nothing"
        yield (
            f"The public key {public} holds {kind}, and EC2 takes only {' and '.join(EC2_TYPES)}. "
            f"Make one (ssh-keygen -t ed25519), and change {WHERE}."
        )


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"operator_key_problems": operator_key_problems}
