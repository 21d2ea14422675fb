"""Tasks: add, claim, keep and report. No I/O."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from ._call import Caller, Plan, poll_seconds, post
from ._claim import Loss, TaskCanceled, WorkerStopped, as_lost, claim_time
from ._effects import Op
from ._http import path_of
from ._lists import ListPlan, whole_list
from .errors import (
    BadRequestError,
    ConflictError,
    EvidenceMissingError,
    ForbiddenError,
    KoorError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from .records import HeldBy, NewTask, Task

REPORT_TIMEOUT_S = 30.0
ERROR_CHARACTERS_MAX = 4096

log = logging.getLogger("koor_client")


class TaskFailed(Exception):
    """A handler raises this to fail a task. ``retry=False``: no other attempt is made."""

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


def task_path(task_id: str) -> str:
    """The path of a task."""
    return "/api/tasks" + path_of(task_id)


def add(caller: Caller, task: NewTask | Mapping[str, Any], timeout: float | None) -> Op[Task]:
    """Make one task."""
    plan = post("/api/tasks", {**task, "request_id": uuid.uuid4().hex}, repeatable=True)
    return cast(Task, (yield from caller.call_json(plan, caller.deadline(timeout))))


def add_all(
    caller: Caller, tasks: Sequence[NewTask | Mapping[str, Any]], timeout: float | None
) -> Op[list[Task]]:
    """Make several tasks, all or none."""
    bodies = [{**task, "request_id": uuid.uuid4().hex} for task in tasks]
    plan = post("/api/tasks", bodies, repeatable=True)
    return cast("list[Task]", (yield from caller.call_json(plan, caller.deadline(timeout))))


def get(caller: Caller, task_id: str, timeout: float | None) -> Op[Task]:
    """Read a task as a whole."""
    return cast(Task, (yield from caller.call_json(Plan("GET", task_path(task_id)), caller.deadline(timeout))))


def listing(caller: Caller, query: dict[str, Any], timeout: float | None) -> Op[list[Task]]:
    """List all tasks that match, the newest first; with a limit at most that many."""
    plan = ListPlan("/api/tasks", query, "tasks", paged=True)
    return cast("list[Task]", (yield from whole_list(caller, plan, timeout)))


def cancel(caller: Caller, task_id: str, reason: str, timeout: float | None) -> Op[Task]:
    """Cancel a task, or ask its holder to stop."""
    plan = post(task_path(task_id) + "/cancel", {"reason": reason})
    return cast(Task, (yield from caller.call_json(plan, caller.deadline(timeout))))


class Claim:
    """A task that is worked on, and its claim."""

    def __init__(self, caller: Caller, task: Task, asked_at: float) -> None:
        self._caller = caller
        self.task = task
        self.fence: int = task["fence"] or 0
        #: What goes along with the result.
        self.completion: dict[str, Any] = {}
        name = f"the task {task['id']}"
        self.loss = Loss(name, task["ttl_s"], asked_at, max_s=task["max_s"], max_from=asked_at)

    def progress(self, members: Mapping[str, Any], timeout: float | None) -> Op[None]:
        """Report progress, which is a sign of life. A canceled task ends the claim's work."""
        asked_at = claim_time()
        plan = post(task_path(self.task["id"]) + "/progress", {"fence": self.fence, **members}, repeatable=True)
        answer = yield from self._caller.call_json(plan, self._caller.deadline(timeout))
        self.loss.confirm(asked_at)
        if answer["cancel_requested"]:
            self.loss.end(TaskCanceled(f"the task {self.task['id']} is canceled"))

    def confirm(self, timeout: float) -> Op[None]:
        """Send a sign of life."""
        return self.progress({}, timeout)

    def report(self, outcome: Exception | None, result: Any) -> Op[bool]:
        """Report what became of the task. Return whether it is done.

        The report is repeated until it is answered, because the same report again has the same answer. A claim that
        was lost is not reported: another worker may have the task.
        """
        error = self.loss.error
        given_back = isinstance(error, (TaskCanceled, WorkerStopped))
        if error is not None and not given_back and outcome is not None:
            return False
        if outcome is None:
            try:
                return (yield from self._send_report("complete", {"result": result, **self.completion}))
            except (TypeError, ValueError, BadRequestError, TooLargeError) as refused:
                outcome = refused  # The result is no JSON, or too large.
            except EvidenceMissingError as refused:
                named = (f"{one['command']} ({one['why']})" for one in refused.missing)
                outcome = TaskFailed(f"{refused}: {', '.join(named)}")
        if given_back:
            return (yield from self._send_report("release", {"note": str(error)}))
        text = (str(outcome) or type(outcome).__name__)[:ERROR_CHARACTERS_MAX]
        return (yield from self._send_report("fail", {"error": text, "retry": getattr(outcome, "retry", None)}))

    def _send_report(self, action: str, members: Mapping[str, Any]) -> Op[bool]:
        """Send a report. Return whether it says that the task is done, and was taken."""
        plan = post(f"{task_path(self.task['id'])}/{action}", {"fence": self.fence, **members}, repeatable=True)
        try:
            yield from self._caller.call(plan, self._caller.deadline(REPORT_TIMEOUT_S))
        except EvidenceMissingError:
            raise
        except (ConflictError, NotFoundError, ForbiddenError):
            return False  # The claim is lost.
        except UnavailableError as error:
            log.warning("the task %s could not be reported, its claim will expire: %s", self.task["id"], error)
            return False
        return action == "complete"


OnHeld = Callable[[list[HeldBy]], None]


def log_held(held: list[HeldBy]) -> None:
    """Log what keeps a worker from tasks."""
    if held:
        log.warning("the worker waits: %s", held)
    else:
        log.info("the worker goes on")


class Claimer:
    """Claims tasks one after the other."""

    def __init__(
        self, caller: Caller, labels: Sequence[str], members: Mapping[str, Any], on_held: OnHeld | None
    ) -> None:
        self._caller = caller
        self._on_held = on_held or log_held
        self._reported: list[HeldBy] = []
        self._waits = False
        self._members = {"labels": list(labels), **members}
        self._same: Plan | None = None

    def claim(self, wait: float) -> Op[Claim | None]:
        """Claim the next task. Return None if there is none within the wait, which is at most a few seconds, and none
        after a task."""
        seconds = poll_seconds(wait) if self._waits else 0
        # A claim that waits is answered at once when it changes whether something keeps the worker from tasks.
        knows = {"while_held": bool(self._reported)}
        body = {**self._members, **knows, "request_id": uuid.uuid4().hex}
        # The same request without a wait: it finds what this one got, and does not wait.
        self._same = post("/api/tasks/claim", body, repeatable=True)
        plan = post("/api/tasks/claim", {**body, "wait_s": seconds or None}, repeatable=True)
        asked_at = claim_time()
        answer = yield from self._caller.call_json(plan, self._caller.poll_deadline(seconds))
        self._waits = answer["task"] is None
        held = cast("list[HeldBy]", answer.get("held", []))
        if held != self._reported:
            self._reported = held
            self._on_held(held)  # If it raises, the task is given back.
        self._same = None
        if answer["task"] is None:
            return None
        task = cast(Task, answer["task"])
        claim = Claim(self._caller, task, asked_at)
        if seconds > 0:
            # The task may have come late in the wait: the claim counts from a sign of life that is sent now.
            try:
                yield from claim.confirm(self._caller.timeout)
            except ConflictError as error:
                claim.loss.end(as_lost(error))
            except KoorError:
                pass  # The clock of the claim decides.
        return claim

    def abandon(self) -> Op[None]:
        """Give back what a claim that was interrupted may have got. A claim whose client has gone gets nothing, but it
        may have been answered just before."""
        plan, self._same = self._same, None
        if plan is None:
            return
        try:
            deadline = self._caller.deadline(REPORT_TIMEOUT_S)
            answer = yield from self._caller.call_json(plan, deadline)
        except KoorError:
            return
        if answer["task"] is not None:
            claim = Claim(self._caller, cast(Task, answer["task"]), claim_time())
            claim.loss.end(WorkerStopped("the worker is stopped"))
            yield from claim.report(claim.loss.error, None)
