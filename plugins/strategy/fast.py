# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: the Onebox authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or
# https://www.gnu.org/licenses/gpl-3.0.txt). It imports code of Ansible, which has this licence.
"""What makes a strategy fast, or leaves it alone and says why. docs/fast.md tells the rest.

Ansible forks a process for every step, also for one that only compares variables or is skipped. Such a
step runs here where it is, and the next one finds warm what it needs.
"""

from __future__ import annotations

import copy
import gc
import importlib.metadata
import pickle
import sys
from pathlib import Path
from typing import NoReturn, cast

from ansible import constants
from ansible.plugins.strategy import StrategyBase
from ansible.utils.display import Display

# The releases of ansible-core with which tests/unit/test_fast.py has passed. docs/fast.md says how one is added.
PROVEN = {"2.21"}

# Seconds between two looks whether a step has ended: internal_poll_interval of ansible.cfg.
REST = constants.DEFAULT_INTERNAL_POLL_INTERVAL  # type: ignore[attr-defined] # made at import

CORE = importlib.metadata.version("ansible-core")

# These start nothing on any machine and wait for nothing.
AT_HOME = {
    f"{collection}{action}"
    for collection in ("", "ansible.builtin.", "ansible.legacy.")
    for action in (
        "assert", "debug", "fail", "include_role", "include_tasks", "include_vars", "set_fact",
        "validate_argument_spec",
    )
}  # fmt: skip


class NotSkipped(BaseException):
    """The step has something to do. No handler of Exception may take this for a failure of the step."""


def not_skipped(*_: object, **__: object) -> NoReturn:
    """Stand where Ansible, having found that a step is not skipped, works out its arguments."""
    raise NotSkipped


if CORE.rpartition(".")[0] not in PROVEN:
    Display().warning(
        f"The strategy was not proven with ansible-core {CORE}, so this run takes its usual time. "
        "Take the versions of uv.lock (uv sync), or the setting ANSIBLE_STRATEGY away."
    )

    class StrategyModule(StrategyBase):
        """Adds nothing: the strategy stays what Ansible ships."""
else:
    from ansible._internal._task import HostTaskResult, TaskContext, UnifiedTaskResult, WireTaskResult
    from ansible.executor.task_executor import TaskExecutor
    from ansible.executor.task_queue_manager import FinalQueue
    from ansible.inventory.host import Host
    from ansible.playbook.play_context import PlayContext
    from ansible.playbook.task import Task
    from ansible.plugins.action import ActionBase
    from ansible.plugins.loader import get_plugin_loader_namespace

    sys.path.append(str(Path(__file__).parents[1]))
    import compiled_templates
    import fork_server
    import packed_modules

    compiled_templates.compile_once()
    packed_modules.keep_packed(CORE)
    packed_modules.send_once(fork_server.run_in_forks(ActionBase._low_level_execute_command))
    # What stands now stays to the end of the run, so Python need not look again and again whether it is in use.
    gc.freeze()

    def may_stay(task: Task) -> bool:
        """Whether it starts nothing on a machine, or may be skipped; and neither waits nor is to be watched."""
        if task.async_val or task.until or task.timeout or task.throttle:
            return False
        return task.action in AT_HOME or bool(task.when and task.loop is None)

    class StrategyModule(StrategyBase):  # type: ignore[no-redef] # the other one is for another core
        """Before the stock strategy, this runs at home what needs no process of its own."""

        def _queue_task(self, host: Host, task: Task, task_vars: dict[str, object], context: PlayContext) -> None:
            result = self._run_at_home(host, task, task_vars, context) if may_stay(task) else None
            if result is None:
                super()._queue_task(host, task, task_vars, context)  # type: ignore[no-untyped-call] # published without
                return
            with self._results_lock:
                self._results.append(result)
            self._pending_results += 1

        def _process_pending_results(self, *given: object, **named: object) -> list[HostTaskResult]:
            """Come before each rest of the stock strategy, which there is no reason for if there was a result."""
            results = cast(list[HostTaskResult], super()._process_pending_results(*given, **named))
            constants.DEFAULT_INTERNAL_POLL_INTERVAL = 0 if results else REST  # type: ignore[attr-defined] # as above
            return results

        def _run_at_home(
            self, host: Host, task: Task, task_vars: dict[str, object], context: PlayContext
        ) -> HostTaskResult | None:
            """The result of the step; none if it has to do with a machine and is not skipped."""
            self._queued_task_cache[host.name, task._uuid] = {
                "host": host, "task": task, "task_vars": task_vars, "play_context": context
            }  # fmt: skip
            # A process of its own would have copies of all that the executor works out in place.
            own = copy.copy(task)
            own.loop_control = copy.copy(task.loop_control)
            if task.action in AT_HOME:
                self._tqm.send_callback("v2_runner_on_start", host, task)
            else:
                own.post_validate = not_skipped  # type: ignore[method-assign] # of this copy
            plugins = get_plugin_loader_namespace()
            try:
                with TaskContext.create(task=own, task_vars=dict(task_vars), host_name=host.name):
                    own.squash()
                    executor = TaskExecutor(
                        host, context, self._loader, plugins, cast(FinalQueue, self), self._variable_manager
                    )
                    result = executor.run()
                    result.finalize_registered_values()
            except NotSkipped:
                return None
            if own.__dict__.pop("post_validate", None):
                self._tqm.send_callback("v2_runner_on_start", host, task)
            own.ignore_errors, own.ignore_unreachable = result.ignore_errors, result.ignore_unreachable
            return self._as_from_worker(host, own, result)

        def send_callback(self, name: str, host: Host, task: Task, result: UnifiedTaskResult) -> None:
            """Take what the executor says of each item of a loop, where it expects the queue of results."""
            self._tqm.send_callback(name, self._as_from_worker(host, task, result))

        def _as_from_worker(self, host: Host, task: Task, result: UnifiedTaskResult) -> HostTaskResult:
            """What a process of its own would have sent: nothing of it is shared with what the step has seen."""
            sent = pickle.dumps(WireTaskResult.create(host=host, task=task, utr=result))
            return self._convert_wire_task_result_to_host_task_result(pickle.loads(sent))
