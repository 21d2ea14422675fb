/**
 * Tests how the data directory is claimed before any file in it is opened. A missing directory is created. Only one
 * process at a time can hold the directory, and its claim ends when the process dies. If a directory cannot be used,
 * the claim fails and leaves the files as they are.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { makeDirectory, type Owner } from "../../../test/support/server-process.js";
import { must } from "../../base/assert.js";
import { claimDataDir, DataDirError, prepareDatabase } from "./data-dir.js";
import { LAYOUT_VERSION } from "./migrate.js";
import { openWriter } from "./open.js";
import { openDatabase } from "./sqlite/choice.js";

const HOLDER = fileURLToPath(new URL("../../../test/threads/hold-directory.js", import.meta.url));
const LOCK = "koor.lock";

/** Returns the contents of the directory's files, except the lock file and SQLite's shared memory (`-shm`). */
function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name !== LOCK && !name.endsWith("-shm"));
  const files = names.map((name) => [name, readFileSync(join(directory, name)).toString("base64")] as const);
  // Ignore an empty WAL, because any reader of a WAL database creates one.
  return Object.fromEntries(files.filter(([name, bytes]) => !(name.endsWith("-wal") && bytes === "")));
}

const ROWS = 200;
/**
 * The pages of the database that contain rows, from `first` to before `end`. There are so many that inserting the
 * newest row does not change all of them.
 */
const ROW_PAGES = { first: 12, end: 24 } as const;
const PAGE_BYTES = 4096;

/**
 * Creates a directory with a database, which it closes again. With `crashed`, the newest row is only in the WAL, as
 * after a crash.
 */
function makeStore(t: Owner, crashed = false): string {
  const made = makeDirectory(t);
  const db = openWriter(made);
  const insert = db.prepare(
    "INSERT INTO audit (at, actor, action, resource, detail, outcome) VALUES (?, '', 'a', 'r', ?, 'success')",
  );
  db.transaction(() => {
    for (let at = 1; at < ROWS; at++) insert.run(at, "x".repeat(1000));
  })();
  db.pragma("wal_checkpoint(TRUNCATE)");
  insert.run(ROWS, "the newest");
  if (!crashed) {
    db.close();
    return made;
  }
  const directory = makeDirectory(t);
  for (const name of ["data.db", "data.db-wal"]) copyFileSync(join(made, name), join(directory, name));
  db.close();
  return directory;
}

function refusalOf(directory: string): string {
  try {
    claimDataDir(directory).release();
  } catch (error) {
    if (!(error instanceof DataDirError)) throw error;
    return error.message;
  }
  return "";
}

t.test("a missing directory is created, and is free again after its release", (t) => {
  const directory = join(makeDirectory(t), "new/and deeper");
  const lock = claimDataDir(directory);
  t.ok(existsSync(directory));
  t.match(refusalOf(directory), /in use by another koor server/);
  lock.release();
  claimDataDir(directory).release();
  t.end();
});

/** Starts another process that claims a directory and holds it, but does not open the database. */
async function holdElsewhere(t: Test, directory: string, env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
  const holder = spawn(process.execPath, [HOLDER, directory], { stdio: ["pipe", "pipe", "inherit"], env });
  t.teardown(() => holder.kill("SIGKILL"));
  await once(must(holder.stdout, "a holder has a stdout"), "data");
  return holder;
}

t.test("a second name of the file: of two servers that start at once, one is refused", async (t) => {
  const temporary = makeDirectory(t);
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = temporary;
  t.teardown(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const [first, second] = [makeStore(t), makeDirectory(t)];
  linkSync(join(first, "data.db"), join(second, "data.db"));
  const other = /^database .* is in use by another koor server, under another name of the file$/;

  const holder = await holdElsewhere(t, first, { TMPDIR: temporary });
  t.match(refusalOf(second), other, "even if the other one has not opened it yet");
  t.match(refusalOf(first), /^data directory .* is in use by another koor server$/);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  t.equal(refusalOf(second), "", "the lock ends with its process");

  const [alone, later] = [makeStore(t), makeDirectory(t)];
  const lock = claimDataDir(alone);
  linkSync(join(alone, "data.db"), join(later, "data.db"));
  await holdElsewhere(t, later, { TMPDIR: temporary });
  t.throws(() => prepareDatabase(alone, lock), { message: other }, "also under a name that was created meanwhile");
  lock.release();

  const folder = join(temporary, `koor-locks-${process.getuid?.()}`);
  t.equal(statSync(folder).mode & 0o777, 0o700);
  const theirs = makeDirectory(t);
  rmSync(folder, { recursive: true });
  symlinkSync(theirs, folder);
  t.equal(refusalOf(second), "", "a link in place of the folder is not followed");
  t.same(readdirSync(theirs), []);
});

t.test("a place where no directory can be created gives one clear line", (t) => {
  t.match(refusalOf("/dev/null/data"), /^cannot use data directory \/dev\/null\/data: it is not a directory$/);
  // Node's own recursive mkdir would never return for a path below /proc.
  if (existsSync("/proc/self"))
    t.match(
      refusalOf("/proc/koor-test/data"),
      /^cannot use data directory \/proc\/koor-test\/data: it cannot be made$/,
    );
  t.end();
});

t.test("another process holds the directory until it ends, in whatever way", async (t) => {
  const directory = makeDirectory(t);
  const holder = await holdElsewhere(t, directory);
  const refusal = refusalOf(directory);
  t.equal(refusal, `data directory ${directory} is in use by another koor server`);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  t.equal(refusalOf(directory), "");
});

t.test("usable directories are accepted", (t) => {
  t.equal(refusalOf(makeDirectory(t)), "", "an empty directory");
  t.equal(refusalOf(makeStore(t)), "", "a database of this layout");
  const empty = makeDirectory(t);
  writeFileSync(join(empty, "data.db"), "");
  t.equal(refusalOf(empty), "", "an empty file");
  const crashed = makeStore(t, true);
  t.equal(refusalOf(crashed), "", "a WAL that was not checkpointed");
  const db = openWriter(crashed);
  t.equal(db.prepare("SELECT count(*) FROM audit").pluck().get(), ROWS, "and its rows are there");
  db.close();
  t.end();
});

t.test("a damaged or foreign database is refused and left unchanged", (t) => {
  const patch = (directory: string, name: string, from: number, bytes: string): void => {
    const path = join(directory, name);
    const content = readFileSync(path);
    content.write(bytes, from, "latin1");
    writeFileSync(path, content);
  };
  const breakPages = (directory: string): void => {
    for (let page = ROW_PAGES.first; page < ROW_PAGES.end; page++)
      patch(directory, "data.db", page * PAGE_BYTES, "\xff".repeat(64));
  };
  const cases: readonly (readonly [what: string, says: RegExp, make: () => string])[] = [
    [
      "text",
      /damaged \(not a SQLite file\)/,
      () => {
        const directory = makeDirectory(t);
        writeFileSync(join(directory, "data.db"), "no database at all\n".repeat(100));
        return directory;
      },
    ],
    [
      "a few bytes",
      /damaged/,
      () => {
        const directory = makeDirectory(t);
        writeFileSync(join(directory, "data.db"), "SQLite format 3\0");
        return directory;
      },
    ],
    [
      "a broken header",
      /damaged/,
      () => {
        const directory = makeStore(t);
        patch(directory, "data.db", 0, "XXXX");
        return directory;
      },
    ],
    [
      "broken pages",
      /damaged/,
      () => {
        const directory = makeStore(t);
        breakPages(directory);
        return directory;
      },
    ],
    [
      "a truncated database",
      /damaged/,
      () => {
        const directory = makeStore(t);
        truncateSync(join(directory, "data.db"), 3 * PAGE_BYTES);
        return directory;
      },
    ],
    [
      "damaged pages beside a WAL",
      /damaged/,
      () => {
        const directory = makeStore(t, true);
        breakPages(directory);
        return directory;
      },
    ],
    [
      "a newer layout",
      new RegExp(`newer koor \\(layout ${LAYOUT_VERSION + 1}, this one knows ${LAYOUT_VERSION}\\)`),
      () => {
        const directory = makeStore(t);
        const db = openDatabase(join(directory, "data.db"));
        db.pragma(`user_version = ${LAYOUT_VERSION + 1}`);
        db.close();
        return directory;
      },
    ],
    [
      "another program's database",
      /is not a koor database/,
      () => {
        const directory = makeDirectory(t);
        const db = openDatabase(join(directory, "data.db"));
        db.exec("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
        db.close();
        return directory;
      },
    ],
  ];
  for (const [what, says, make] of cases) {
    const directory = make();
    const before = contents(directory);
    const refusal = refusalOf(directory);
    t.match(refusal, says, what);
    t.ok(refusal.includes(directory) && !refusal.includes("\n"), "one line that names the directory");
    t.same(contents(directory), before, "its files are unchanged");
    t.match(refusalOf(directory), says, "and it is not locked");
  }
  t.end();
});

t.test("the database is opened and migrated, or one clear line says why not", (t) => {
  const directory = makeDirectory(t);
  const lock = claimDataDir(directory);
  t.teardown(() => lock.release());
  const inTheWay = join(directory, "data.db");
  mkdirSync(inTheWay);
  t.throws(() => prepareDatabase(directory, lock), {
    name: "DataDirError",
    message: `cannot open the database in ${directory} (SQLITE_CANTOPEN); its files were left as they are`,
  });
  rmdirSync(inTheWay);
  const db = prepareDatabase(directory, lock);
  t.equal(db.pragma("user_version", { simple: true }), LAYOUT_VERSION, "a refused open leaves no lock");
  db.close();
  t.end();
});

t.test("places that cannot be a data directory", (t) => {
  const directory = makeDirectory(t);
  const file = join(directory, "file");
  writeFileSync(file, "mine");
  t.match(refusalOf(file), /it is not a directory/);
  t.match(refusalOf(join(file, "below")), /it is not a directory/);
  t.equal(readFileSync(file, "utf8"), "mine");
  // No user, not even root, can create a directory there.
  t.match(refusalOf("/sys/koor"), /it is not writable/);
  mkdirSync(join(directory, "data.db"));
  t.match(refusalOf(directory), /cannot open database .*data\.db: EISDIR/);
  t.end();
});
