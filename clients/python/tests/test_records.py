"""Compares the records of the client with the description that the server gives of itself."""

from __future__ import annotations

import unittest
from typing import Any

from koor_client import records

from .behaviours_state import shared

#: Each record: the route whose answer has it, and the way into the schema of the answer.
ROWS: tuple[tuple[Any, str, str, tuple[str | int, ...]], ...] = (
    (records.KeyRecord, "get", "/api/state", ("items",)),
    (records.StateVersion, "put", "/api/state/{key}", ()),
    (records.SpecVersion, "put", "/api/specs/{project}/{name}", ()),
    (records.SpecProject, "get", "/api/specs", ("properties", "projects", "items")),
    (records.SpecRecord, "get", "/api/specs/{project}", ("properties", "specs", "items")),
    (records.Event, "post", "/api/events/publish", ()),
    (records.Instance, "get", "/api/instances/{id}", ()),
    (records.NewInstance, "post", "/api/instances/register", ()),
    (records.Lease, "get", "/api/leases/{id}", ()),
    (records.LeaseCheck, "post", "/api/leases/check", ()),
    (records.PathConflict, "post", "/api/leases/check", ("properties", "conflicts", "items")),
    (records.Task, "get", "/api/tasks", ("properties", "tasks", "items")),
    (records.MessagePage, "get", "/api/messages", ()),
    (records.Message, "get", "/api/messages", ("properties", "messages", "items")),
    (records.Recipient, "get", "/api/messages", ("properties", "messages", "items", "properties", "to", "items")),
    (records.SentMessage, "post", "/api/messages", ()),
    (records.WaitResult, "get", "/api/wait", ()),
    (records.RateLimit, "get", "/api/llm/limits", ("properties", "limits", "items")),
    (records.Budget, "put", "/api/budgets/{id}", ()),
    (records.HeldByBudget, "post", "/api/tasks/claim", ("properties", "held", "items", "anyOf", 0)),
    (records.HeldByLimit, "post", "/api/tasks/claim", ("properties", "held", "items", "anyOf", 1)),
    (records.Evidence, "get", "/api/evidence/{id}", ()),
    (records.ListedEvidence, "get", "/api/evidence", ("items",)),
    (records.UsageRecorded, "post", "/api/llm/usage", ()),
)
#: Members of a record that only some answers have, in the routes above or in others.
BY_ROUTE = {
    "Task": {"body", "data", "result", "history", "dependents", "evidence", "edited_at"},
    "Lease": {"nearby"},
}


def schema_of(description: Any, method: str, path: str, way: tuple[str | int, ...]) -> Any:
    """Return the schema of a record in the answer of a route."""
    answers = description["paths"][path][method]["responses"]
    schema = answers["200"]["content"]["application/json"]["schema"]
    if "properties" not in schema and "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one.get("type") == "object")
    for name in way:
        schema = schema[name]
    return schema


class Records(unittest.TestCase):
    def test_records_have_the_members_that_the_server_describes(self) -> None:
        description = shared().get("/openapi.json")
        for record, method, path, way in ROWS:
            with self.subTest(record.__name__):
                schema = schema_of(description, method, path, way)
                apart = BY_ROUTE.get(record.__name__, set())
                known = set(record.__annotations__)
                self.assertLessEqual(set(schema.get("required", ())) - {"warnings"}, known)
                self.assertEqual(set(schema["properties"]) - apart, known - apart)
                if record.__name__ != "SpecVersion":
                    self.assertEqual(set(record.__required_keys__), set(schema["required"]) - apart)

    def test_a_new_task_has_the_members_that_the_server_takes(self) -> None:
        description = shared().get("/openapi.json")
        body = description["paths"]["/api/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        single = next(one for one in body["anyOf"] if one.get("type") == "object")
        self.assertEqual(set(records.NewTask.__annotations__), set(single["properties"]) - {"request_id"})
