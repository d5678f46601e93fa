#!/usr/bin/python3
"""Move the application's database from one MySQL server to another, on the machine of the application.

It needs nobody once it runs: whatever happens before the switch, the old server serves and is writable
again. systemd runs it, and `undo` after it, also when it was killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymysql
from database_server import Contents, MoveError, Server

SERVING_SECONDS = 90.0


class Move:
    """The steps, and what has been reached."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.old, self.new = plan, Server(plan, "old"), Server(plan, "new")
        self.folder = Path(plan["folder"])
        self.applications = Path(plan["application_folder"])
        self.state: dict[str, Any] = {"phase": "preparing", "error": "", "old": self.old.name, "new": self.new.name}

    def reach(self, phase: str, **more: Any) -> None:
        """Write down where we are before we go there: `undo` reads it."""
        self.state |= {"phase": phase, **more}
        self.state.setdefault("at", {})[phase] = round(time.monotonic(), 1)
        self.save()

    def save(self) -> None:
        draft = self.folder / "state.new"
        draft.write_text(json.dumps(self.state), encoding="utf-8")
        draft.replace(self.folder / "state.json")

    def saved(self) -> dict[str, Any]:
        """How far an earlier run came, if its end was not told yet."""
        with suppress(FileNotFoundError):
            return dict(json.loads((self.folder / "state.json").read_text(encoding="utf-8")))
        return {}

    def run(self) -> None:
        """Rehearse while the old server serves; then stop writes, copy, compare, open the new one, switch."""
        earlier = self.saved()
        self.reach("preparing")
        if self.switched():
            self.finish()  # an earlier run came as far as that
            if earlier.get("phase") == "done" and earlier["new"] == self.new.name:
                self.state = earlier  # nobody has been told yet how long it took
                self.save()
            return
        if self.url(self.old) not in self.descriptor().read_text(encoding="utf-8"):
            raise MoveError(f"{self.descriptor()} does not name {self.url(self.old)}: run configure_public.yml first")
        self.old.open()
        self.new.close()
        limit = float(self.plan["stop_seconds"])
        rehearsed = self.rehearse()
        if rehearsed > limit * 0.7:
            raise MoveError(
                f"Copying took {rehearsed:.0f} s while {self.old.name} served on, and writes may stop for "
                f"{limit:.0f} s. Raise database_move_stop_seconds, or move at a quieter hour."
            )
        stopped = time.monotonic()
        self.reach("stopped", rehearsal_seconds=round(rehearsed, 1), stopped=stopped)
        self.old.close()
        self.copy(deadline=stopped + limit)
        contents = self.compare()
        self.reach("opening", tables=len(contents), rows=sum(rows for rows, _ in contents.values()))
        self.new.open()
        self.switch()

    def rehearse(self) -> float:
        """Copy everything once, to learn how long it takes, and what the new server would refuse."""
        others, began = self.old.others(), time.monotonic()
        self.copy(deadline=None)
        if self.new.others() != others:
            raise MoveError(f"not everything arrived on {self.new.name}: {others} became {self.new.others()}")
        return time.monotonic() - began

    def finish(self) -> None:
        """Where the application has been switched already."""
        self.reach("committed")
        self.insist(self.old.close)
        self.new.open()
        self.see_it_serve(self.descriptor())

    def copy(self, *, deadline: float | None) -> None:
        """Dump here, load there, in one pipe; both must end well."""
        self.new.empty()
        dump = ["mysqldump", self.options(self.old), "--ssl-mode=REQUIRED", "--single-transaction", "--quick"]
        dump += ["--routines", "--triggers", "--hex-blob", "--no-tablespaces", "--set-gtid-purged=OFF"]
        load = ["mysql", self.options(self.new), "--ssl-mode=REQUIRED"]
        database = str(self.plan["database"])
        with (self.folder / "errors").open("w+b") as errors:
            dumping = subprocess.Popen([*dump, database], stdout=subprocess.PIPE, stderr=errors)
            loading = subprocess.Popen([*load, database], stdin=dumping.stdout, stderr=errors)
            assert dumping.stdout is not None
            dumping.stdout.close()
            try:
                codes = [one.wait(None if deadline is None else max(1.0, deadline - time.monotonic()))
                         for one in (loading, dumping)]  # fmt: skip
            except subprocess.TimeoutExpired:
                raise MoveError("the copy was not ready when writes had to go on") from None
            finally:
                for one in (dumping, loading):
                    one.kill()
                    one.wait()
            errors.seek(0)
            if any(codes):
                raise MoveError(f"mysqldump or mysql failed: {errors.read().decode(errors='replace').strip()[-800:]}")

    def options(self, server: Server) -> str:
        """Passwords stand in a file that only root reads, never on a command line."""
        path = self.folder / f"{server.name}.cnf"
        path.touch(mode=0o600)
        text = f'host={server.host}\nport={server.port}\nuser={server.admin}\npassword="{server.password}"\n'
        path.write_text(f"[client]\n{text}", encoding="utf-8")
        return f"--defaults-extra-file={path}"

    def compare(self) -> Contents:
        old, new = self.old.contents(), self.new.contents()
        wrong = sorted(table for table in old.keys() | new.keys() if old.get(table) != new.get(table))
        if wrong:
            said = "; ".join(f"{table}: {old.get(table)} and {new.get(table)}" for table in wrong)
            raise MoveError(f"rows or checksums differ between {self.old.name} and {self.new.name}: {said}")
        return new

    @staticmethod
    def url(server: Server) -> str:
        return f"jdbc:mariadb://{server.host}:{server.port}/"

    def descriptor(self) -> Path:
        """The file by which Tomcat knows the application and its DataSource; the last one has the visitors."""
        found = sorted(self.applications.glob("ROOT##*.xml"))
        if not found:
            raise MoveError(f"{self.applications} has no ROOT##*.xml: run configure_public.yml first")
        return found[-1]

    def switched(self) -> bool:
        """Whether the application has been given the new server, whoever did it."""
        return self.url(self.new) in self.descriptor().read_text(encoding="utf-8")

    def switch(self) -> None:
        """From the first line on there is no way back: what is written to the new server must stay.

        Tomcat starts the same application once more, with the other DataSource, and then gives it the visitors.
        """
        self.reach("committed")
        old = self.descriptor()
        text, stat = old.read_text(encoding="utf-8"), old.stat()
        if self.url(self.old) in text:
            number, _, checksum = old.stem.removeprefix("ROOT##").partition("-")
            version = f"{int(number) + 1:06d}-{checksum}"
            text = text.replace(self.url(self.old), self.url(self.new))
            text = text.replace(f"/.version/{number}-{checksum}", f"/.version/{version}")
            draft = self.applications / "ROOT.new"
            draft.touch(mode=0o600)
            os.chown(draft, stat.st_uid, stat.st_gid)
            draft.chmod(stat.st_mode & 0o777)
            draft.write_text(text, encoding="utf-8")
            draft.rename(self.applications / f"ROOT##{version}.xml")
        self.see_it_serve(self.descriptor())

    def see_it_serve(self, descriptor: Path) -> None:
        """Wait until this version has the visitors, and let the older ones go."""
        version = descriptor.stem.removeprefix("ROOT##")
        page = f"{self.plan['site']}/.version/{version}"
        if not self.answers(page):
            subprocess.run(["systemctl", "restart", self.plan["unit"]], check=True)
            if not self.answers(page):
                raise MoveError(
                    f"The data are on {self.new.name}, and Tomcat does not start the application with them ({page}). "
                    f"journalctl --unit {self.plan['unit']} says more."
                )
        stopped = self.state.get("stopped")
        seconds = {} if stopped is None else {"stop_seconds": round(time.monotonic() - stopped, 1)}
        for other in self.applications.glob("ROOT##*.xml"):
            if other != descriptor:
                other.unlink()
        self.reach("done", **seconds)

    @staticmethod
    def answers(page: str) -> bool:
        deadline = time.monotonic() + SERVING_SECONDS
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(page, timeout=10).close()
            except OSError:  # refused, silent, or not 200 yet
                time.sleep(0.1)
            else:
                return True
        return False

    def undo(self) -> None:
        """After a failure: forward if the switch had begun, else back. After a success: nothing."""
        self.state = self.saved() or self.state
        if self.state["phase"] in ("done", "undone"):
            return
        if self.state["phase"] == "committed" or self.switched():
            self.insist(self.old.close)
            self.new.open()
            self.switch()
        else:
            with suppress(pymysql.MySQLError, MoveError):  # who does not answer takes no writes either
                self.new.close()
            self.insist(self.old.open)
            self.reach("undone")

    @staticmethod
    def insist(step: Callable[[], None]) -> None:
        """The old server may be away for a moment; nothing else makes it writable again."""
        deadline = time.monotonic() + SERVING_SECONDS
        while True:
            try:
                return step()
            except pymysql.MySQLError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def main() -> int:
    move = Move(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    if sys.argv[1] == "undo":
        move.undo()
        return 0
    try:
        move.run()
    except (MoveError, OSError, pymysql.MySQLError, subprocess.CalledProcessError) as error:
        move.reach(move.state["phase"], error=f"{error}" or type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
