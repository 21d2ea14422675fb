/**
 * Writes a small database, for test/upgrade.test.ts, which fails if a table of it has no row. Each release adds one, so
 * that later versions are tested with it: build the release in a folder of its own, then run
 * `node dist/tree/test/upgrade/write-database.js MAIN_OF_THE_RELEASE test/upgrade/VERSION`. It writes `data.db.gz`, and
 * `backup.ndjson.gz` with what the release itself says is in the database.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { makeDatabase } from "./make-database.js";

const [program = "", folder = ""] = process.argv.slice(2);
const endings: (() => Promise<void> | void)[] = [];
try {
  const { files } = await makeDatabase({ teardown: (end) => void endings.unshift(end) }, resolve(program));
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
} finally {
  for (const end of endings) await end();
}
