/**
 * Tests the selection of members by `--fields`. Covers nested members, members of array elements, and numbers that keep
 * their digits.
 */
import t from "tap";

import { findMissing, selectAnswer } from "./answer.js";
import { readField, selectFields } from "./fields.js";

t.test("members are selected in the given order, digit by digit", (t) => {
  const record = '{"a":12345678901234567890,"b":{"c":1.0,"d":[{"e":1,"f":2},{"e":3}],"g.h":5},"n":null}';
  const rows: readonly (readonly [fields: readonly string[], selected: string])[] = [
    [["a"], '{"a":12345678901234567890}'],
    [["n", "a"], '{"n":null,"a":12345678901234567890}'],
    [["b.c"], '{"b":{"c":1.0}}'],
    [["b.d.e"], '{"b":{"d":[{"e":1},{"e":3}]}}'],
    [["b.d.e", "b.c"], '{"b":{"d":[{"e":1},{"e":3}],"c":1.0}}'],
    [["b.g.h"], '{"b":{"g.h":5}}'],
    [["n.x"], '{"n":null}'],
    [["b", "b.c"], '{"b":{"c":1.0,"d":[{"e":1,"f":2},{"e":3}],"g.h":5}}'],
    [["x"], "{}"],
  ];
  for (const [fields, selected] of rows) t.equal(selectFields(record, fields), selected, fields.join(","));
  t.equal(readField(record, "b.d.e"), "[1,3]");
  t.equal(readField(record, "b.d.f"), "[2]");
  t.equal(readField(record, "b.x"), undefined);
  t.equal(readField(record, "n.x"), "null");
  t.end();
});

t.test("what surrounds the records of a list stays", (t) => {
  const list = '{"messages":[{"id":"m","body":"b"}],"last_id":"m"}';
  t.equal(selectAnswer(list, { list: "messages", fields: ["id"] }), '{"messages":[{"id":"m"}],"last_id":"m"}');
  t.equal(selectAnswer('[{"a":1,"b":2},{"b":3}]', { list: "audit", fields: ["b"] }), '[{"b":2},{"b":3}]');
  t.equal(selectAnswer('{"a":1,"b":2}', { list: undefined, fields: ["b"] }), '{"b":2}');
  t.equal(
    selectAnswer('{"groups":{"x":{"request_count":1,"y":2}}}', { list: "usage sums", fields: ["request_count"] }),
    '{"groups":{"x":{"request_count":1}}}',
  );
  t.same(findMissing(list, { list: "messages", fields: ["id", "nope", "last_id"] }), ["nope", "last_id"]);
  t.same(findMissing('{"messages":[]}', { list: "messages", fields: ["nope"] }), [], "an empty list says nothing");
  t.same(findMissing('[{"h":null},{"h":{"n":1}}]', { list: undefined, fields: ["h.n"] }), []);
  t.end();
});
