# Ansible managed. Role balanced_member.
"""Put the database's password where the application reads it; asks until the Parameter Store answers.

usage: fetch_password.py PARAMETER REGION URL PLACEHOLDER FILE...

The machine's own role may read that one parameter. Files without the placeholder are left alone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from xml.sax.saxutils import escape

PAUSE_SECONDS = 2


def fetch(parameter: str, region: str, url: str) -> str:
    # Slow to import, and not needed at a second boot.
    import boto3  # type: ignore[import-untyped,unused-ignore]
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("ssm", region_name=region, endpoint_url=url or None)
        return str(client.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])
    except (BotoCoreError, ClientError) as error:
        raise OSError(str(error)) from error


def fetch_patiently(parameter: str, region: str, url: str) -> str:
    """The network, the role's credentials and the service may all be a little late at a boot."""
    while True:
        try:
            return fetch(parameter, region, url)
        except OSError as error:
            sys.stderr.write(f"{parameter} cannot be read yet: {error}\n")
            time.sleep(PAUSE_SECONDS)


def write(path: Path, text: str) -> None:
    """In one step, and as readable as it was."""
    status, part = path.stat(), path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(text)
    os.chown(part, status.st_uid, status.st_gid)
    part.chmod(status.st_mode & 0o7777)
    part.rename(path)


def main(parameter: str, region: str, url: str, placeholder: str, *files: str) -> None:
    waiting = [path for path in map(Path, files) if path.exists() and placeholder in path.read_text()]
    if waiting:
        password = escape(fetch_patiently(parameter, region, url), {'"': "&quot;"})
        for path in waiting:
            write(path, path.read_text().replace(placeholder, password))


if __name__ == "__main__":
    main(*sys.argv[1:])
