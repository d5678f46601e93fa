# Ansible managed. Role mysql_server.
"""The copy in S3: each file encrypted with age before it leaves the machine, which cannot read it again."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from mysql_archive import BackupError, ours


class Offsite:
    """The folder of the backups, in a bucket."""

    def __init__(self, settings: dict[str, str]) -> None:
        import boto3  # type: ignore[import-untyped,unused-ignore]  # not needed where there is no bucket

        self.bucket, self.prefix = settings["s3_bucket"], settings["s3_prefix"].strip("/") + "/"
        self.recipient = settings["recipient"]
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=settings["s3_url"] or None,
            region_name=settings["s3_region"],
            aws_access_key_id=settings["s3_key_id"] or None,  # None: the machine's own role
            aws_secret_access_key=settings["s3_secret_key"] or None,
        )

    def key(self, name: str) -> str:
        return f"{self.prefix}{name}.age"

    def names(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        keys = [str(one["Key"]) for page in pages for one in page.get("Contents", [])]
        return ours(key[len(self.prefix) : -len(".age")] for key in keys if key.endswith(".age"))

    def put(self, root: Path, name: str) -> None:
        argv = ["age", "--encrypt", "--recipient", self.recipient, str(root / name)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as age:
            self.client.upload_fileobj(
                age.stdout, self.bucket, self.key(name), ExtraArgs={"ServerSideEncryption": "AES256"}
            )
        if age.returncode:  # what is there is not whole, and must not look so
            self.remove(name)
            raise BackupError(f"{name} could not be encrypted, so it is not in {self.bucket}.")

    def get(self, root: Path, name: str, identity: str) -> None:
        """Bring one file back; age refuses what was changed on the way."""
        target = root / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        partial = target.with_suffix(".partial")
        secret = os.memfd_create("identity", 0)  # the key is never on the disk
        os.write(secret, identity.encode())
        argv = ["age", "--decrypt", "--identity", f"/dev/fd/{secret}", "--output", str(partial)]
        os.lseek(secret, 0, os.SEEK_SET)
        age = subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=[secret])
        assert age.stdin
        with suppress(BrokenPipeError), age.stdin:  # age says why, below
            self.client.download_fileobj(self.bucket, self.key(name), age.stdin)
        os.close(secret)
        if age.wait():
            partial.unlink(missing_ok=True)
            raise BackupError(f"{self.key(name)} of {self.bucket} could not be decrypted: another key, or not whole.")
        partial.rename(target)

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.key(name))
