/** Tests which kinds of files are read as settings files, and which are rejected. */
import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { SETTINGS_BYTES_MAX } from "../../../schemas/limits/process.js";
import { readSettingsText } from "./settings-text.js";

t.test("the file is read within a bound, and an unnamed one never makes the start wait", (t) => {
  const folder = t.testdir();
  const path = join(folder, "settings.json");
  t.throws(() => readSettingsText(path, false), { code: "ENOENT" });
  writeFileSync(path, "{}");
  for (const isNamed of [true, false]) t.same(readSettingsText(path, isNamed), { text: "{}" });
  truncateSync(path, SETTINGS_BYTES_MAX);
  t.equal(Object.keys(readSettingsText(path, false)).join(), "text");
  truncateSync(path, SETTINGS_BYTES_MAX + 1);
  for (const isNamed of [true, false])
    t.same(readSettingsText(path, isNamed), { problem: `it is larger than ${SETTINGS_BYTES_MAX} bytes` });
  mkdirSync(join(folder, "directory"));
  t.same(readSettingsText(join(folder, "directory"), false), { problem: "it is a directory" });
  if (process.platform !== "win32") {
    execFileSync("mkfifo", [join(folder, "fifo")]);
    t.same(readSettingsText(join(folder, "fifo"), false), { problem: "it is not a regular file" });
    t.same(readSettingsText("/dev/zero", false), { problem: "it is not a regular file" });
    t.same(readSettingsText("/dev/zero", true), { problem: `it is larger than ${SETTINGS_BYTES_MAX} bytes` });
    t.same(readSettingsText("/dev/null", true), { text: "" }, "a named file need not be regular");
  }
  t.end();
});
