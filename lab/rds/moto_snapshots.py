"""Snapshots in moto that are made of a volume and restored to one; copies of databases that the lab cannot make.

Each `type: ignore` is the replacing itself: mypy forbids to assign to a method, and that is what is meant.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import RDSBackend

from lab.rds.refusals import refuse_unless

Backend = Any


def mend_snapshots(tell: Callable[[], None]) -> None:
    """Change moto's classes; `tell` hears of every snapshot that is to be made."""
    _snapshot(tell)
    _restore()
    _refuse_replicas()


def find(backend: Backend, identifier: str) -> Any:
    """The database of that identifier, whatever the case; one that is not there is RDS's own error."""
    found = backend.databases.get(identifier) or backend.databases.get(identifier.lower())
    if found is None:
        raise DBInstanceNotFoundError(identifier)
    return found


def _snapshot(tell: Callable[[], None]) -> None:
    """A snapshot is `creating` until the volume is copied; meanwhile the database is `backing-up`."""
    create, copy, delete = RDSBackend.create_db_snapshot, RDSBackend.copy_db_snapshot, RDSBackend.delete_db_snapshot

    def create_db_snapshot(
        self: Backend, db_instance_identifier: str, db_snapshot_identifier: str, *args: Any, **kwargs: Any
    ) -> Any:
        automated = (args[0] if args else kwargs.get("snapshot_type")) == "automated"
        database = find(self, db_instance_identifier)
        if automated:
            # moto's first one, of a database that is not there yet: begun when it is.
            return create(self, database.db_instance_identifier, db_snapshot_identifier, *args, **kwargs)
        refuse_unless(database, "available", "stopped")
        snapshot = create(self, database.db_instance_identifier, db_snapshot_identifier, *args, **kwargs)
        begin_snapshot(snapshot)
        if database.status == "available":
            database.status = "backing-up"
        tell()
        return snapshot

    def copy_db_snapshot(self: Backend, source_db_snapshot_identifier: str, *args: Any, **kwargs: Any) -> Any:
        source = self.get_db_snapshot(source_db_snapshot_identifier)
        _refuse_unfinished(source)
        snapshot = copy(self, source_db_snapshot_identifier, *args, **kwargs)
        begin_snapshot(snapshot, copy_of=source.lab_volume)
        tell()
        return snapshot

    def delete_db_snapshot(self: Backend, db_snapshot_identifier: str) -> Any:
        snapshot = delete(self, db_snapshot_identifier)
        tell()
        return snapshot

    RDSBackend.delete_db_snapshot = delete_db_snapshot  # type: ignore[method-assign]
    RDSBackend.create_db_snapshot = create_db_snapshot  # type: ignore[method-assign]
    RDSBackend.copy_db_snapshot = copy_db_snapshot  # type: ignore[method-assign]


def begin_snapshot(snapshot: Any, copy_of: str = "") -> None:
    """From now on the keeper makes it: of the database's volume, or of another snapshot."""
    snapshot.status, snapshot.lab_copy_of = "creating", copy_of
    snapshot.lab_volume = f"snap-{secrets.token_hex(8)}"


def _refuse_unfinished(snapshot: Any) -> None:
    if snapshot.status != "available":
        message = f"The snapshot {snapshot.db_snapshot_identifier} is not in available state."
        raise RDSClientError("InvalidDBSnapshotState", message)


def _restore() -> None:
    restore, rewind = RDSBackend.restore_db_instance_from_db_snapshot, RDSBackend.restore_db_instance_to_point_in_time

    def restore_db_instance_from_db_snapshot(self: Backend, from_snapshot_id: str, overrides: dict[str, Any]) -> Any:
        snapshot = self.get_db_snapshot(from_snapshot_id)
        _refuse_unfinished(snapshot)
        source = {"lab_volume_from": snapshot.lab_volume}
        return restore(self, snapshot.db_snapshot_identifier, {**overrides, **source})

    def restore_db_instance_to_point_in_time(
        self: Backend, source_db_identifier: str, target_db_identifier: str, overrides: dict[str, Any]
    ) -> Any:
        """The latest moment only: the lab keeps no log of changes beside the volume."""
        if overrides.get("restore_time"):
            message = "The lab restores to the latest restorable time only: give UseLatestRestorableTime."
            raise RDSClientError("InvalidParameterCombination", message)
        refuse_unless(find(self, source_db_identifier), "available", "backing-up", "stopped")
        source = {"lab_volume_from": find(self, source_db_identifier).dbi_resource_id}
        return rewind(self, source_db_identifier, target_db_identifier, {**overrides, **source})

    RDSBackend.restore_db_instance_from_db_snapshot = (  # type: ignore[method-assign]
        restore_db_instance_from_db_snapshot
    )
    RDSBackend.restore_db_instance_to_point_in_time = (  # type: ignore[method-assign]
        restore_db_instance_to_point_in_time
    )


def _refuse_replicas() -> None:
    def create_db_instance_read_replica(self: Backend, db_kwargs: dict[str, Any]) -> Any:
        raise RDSClientError("InvalidParameterCombination", "The lab does not run read replicas.")

    RDSBackend.create_db_instance_read_replica = create_db_instance_read_replica  # type: ignore[method-assign]
