/** Tests the result that a task gets from the output of its command. */
import t from "tap";

import { REMARK_BYTES_MAX } from "../schemas/limits/names.js";
import { TASK_VALUE_BYTES_MAX } from "../schemas/limits/tasks.js";
import { CommandOutput } from "./task-result.js";

const FAILED = { code: 3, signal: null };

function outputOf(...pieces: readonly (string | Buffer)[]): CommandOutput {
  const output = new CommandOutput();
  for (const piece of pieces) {
    output.takeOutput(Buffer.from(piece));
    output.takeErrors(Buffer.from(piece));
  }
  return output;
}

t.test("stdout is the result: JSON as it was written, else a string", (t) => {
  t.equal(outputOf().result(), undefined);
  t.equal(outputOf('{"n":', "1.0}\n").result(), '{"n":1.0}\n');
  t.equal(outputOf("12345678901234567890").result(), "12345678901234567890");
  t.equal(outputOf("two\nlines\n").result(), '"two\\nlines"');
  t.equal(outputOf("\n").result(), '""');
  t.equal(outputOf(Buffer.from([0x61, 0xff])).result(), '"a\uFFFD"');
  t.end();
});

t.test("of a longer output the last part is kept, with a note", (t) => {
  const fits = "x".repeat(TASK_VALUE_BYTES_MAX - 2);
  t.equal(outputOf(fits).result(), JSON.stringify(fits), "the longest output");
  const long: readonly (string | Buffer)[] = [
    `${fits}y`,
    JSON.stringify("x".repeat(TASK_VALUE_BYTES_MAX)),
    "\0".repeat(TASK_VALUE_BYTES_MAX / 2),
    "ü\u{1F600}".repeat(TASK_VALUE_BYTES_MAX),
    Buffer.alloc(TASK_VALUE_BYTES_MAX, 0xff),
  ];
  for (const text of long) {
    const pieces =
      Buffer.from(text)
        .toString("latin1")
        .match(/[^]{1,1000}/g) ?? [];
    const result = outputOf(...pieces.map((piece) => Buffer.from(piece, "latin1"))).result() ?? "";
    const bytes = Buffer.byteLength(result);
    t.ok(bytes <= TASK_VALUE_BYTES_MAX && bytes > TASK_VALUE_BYTES_MAX * 0.8, `${bytes} bytes`);
    const [, kept, total, end = ""] =
      /^\[cut off: the last (\d+) of (\d+) bytes\]\n([^]*)$/.exec(JSON.parse(result) as string) ?? [];
    t.ok(Number(kept) < Number(total));
    t.equal(Number(total), Buffer.byteLength(text));
    if (typeof text === "string") t.ok(text.endsWith(end) && end !== "", "it is the end");
  }
  t.end();
});

t.test("the last lines of stderr are the error", (t) => {
  t.equal(outputOf().error(FAILED), "exit code 3");
  t.equal(outputOf(" \n").error({ code: null, signal: "SIGKILL" }), "ended by SIGKILL");
  t.equal(outputOf("no such file\n", "gave up\n").error(FAILED), "no such file\ngave up");
  const lines = Array.from({ length: 1000 }, (_, at) => `line ${at}\n`);
  const error = outputOf(...lines).error(FAILED);
  t.ok(Buffer.byteLength(error) <= REMARK_BYTES_MAX && error.length > REMARK_BYTES_MAX / 2);
  t.match(error, /^line \d+\n[^]*line 999$/, "only whole lines");
  t.ok(lines.join("").endsWith(`\n${error}\n`));
  t.match(outputOf("x".repeat(REMARK_BYTES_MAX * 2)).error(FAILED), /^x+$/, "a line too long for it");
  t.ok(Buffer.byteLength(outputOf(Buffer.alloc(REMARK_BYTES_MAX, 0xff)).error(FAILED)) <= REMARK_BYTES_MAX);
  t.end();
});
