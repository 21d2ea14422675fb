/** Tests which writes of templates count as large. */
import t from "tap";
import { LARGE_WRITE_ROWS_MIN } from "../../../schemas/limits/writer.js";
import { applyTemplate } from "./commands.js";

t.test("applying a template is a large write, so that several of them leave room for others", (t) => {
  t.ok((applyTemplate.rows?.({ id: "a", project: "b", fence: null }) ?? 0) > LARGE_WRITE_ROWS_MIN);
  t.end();
});
