"""Client of Koor, a coordination server for AI coding agents.

``connect`` returns the sync client, ``koor_client.aio.connect`` the asyncio client, which has the same calls.
"""

from ._claim import Loss, TaskCanceled, WorkerStopped
from ._tasks import TaskFailed
from .client import Client, HeldLease, HeldTask, Hold, Iteration, connect
from .errors import (
    BadRequestError,
    ClosedError,
    ConflictError,
    EvidenceMissingError,
    ForbiddenError,
    KoorError,
    LeasedError,
    LeaseLostError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    StaleFenceError,
    TimeoutError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
)
from .records import (
    Budget,
    Event,
    Evidence,
    HeldBy,
    Instance,
    Lag,
    Lease,
    LeaseCheck,
    Message,
    MessagePage,
    NewTask,
    RateLimit,
    Task,
    Value,
    WaitResult,
)

__version__ = "1.0.0"

__all__ = [
    "BadRequestError",
    "Budget",
    "Client",
    "ClosedError",
    "ConflictError",
    "Event",
    "Evidence",
    "EvidenceMissingError",
    "ForbiddenError",
    "HeldBy",
    "HeldLease",
    "HeldTask",
    "Hold",
    "Instance",
    "Iteration",
    "KoorError",
    "Lag",
    "Lease",
    "LeaseCheck",
    "LeaseLostError",
    "LeasedError",
    "Loss",
    "Message",
    "MessagePage",
    "NewTask",
    "NotFoundError",
    "RateLimit",
    "RateLimitedError",
    "ServerError",
    "StaleFenceError",
    "Task",
    "TaskCanceled",
    "TaskFailed",
    "TimeoutError",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "Value",
    "WaitResult",
    "WorkerStopped",
    "connect",
]
