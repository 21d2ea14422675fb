/** Tests which writes of messages count as large. */
import t from "tap";
import { LARGE_WRITE_ROWS_MIN } from "../../../schemas/limits/writer.js";
import { markMessages } from "./commands.js";

t.test("marking many messages is a large write, so that several of them leave room for others", (t) => {
  const mark = (count: number) => ({
    instance: "a",
    messages: Array.from({ length: count }, (_, at) => at + 1),
    as: "read" as const,
    note: null,
  });
  t.ok((markMessages.rows?.(mark(LARGE_WRITE_ROWS_MIN + 1)) ?? 0) > LARGE_WRITE_ROWS_MIN);
  t.notOk((markMessages.rows?.(mark(1)) ?? 0) > LARGE_WRITE_ROWS_MIN);
  t.end();
});
