/**
 * Tests the bootstrap of a node: which state it starts from, when it installs a snapshot or starts a cluster, and which
 * errors stop it.
 */
import t from "tap";
import { makeDirectory } from "../../test/support/server-process.js";
import { LOG_WENT_BACK_MS } from "../../schemas/limits/cluster.js";
import { APPLY_VERSION } from "../../schemas/version.js";
import { LogError, type LogStatus, type OrderedLog, type SnapshotInfo } from "./log/ordered-log.js";
import { openWriter } from "../platform/store/open.js";
import { Bootstrap, BootstrapError } from "./bootstrap.js";
import { initialMembership } from "./membership.js";
import type { NodeState } from "./table.js";

type Owner = Parameters<typeof makeDirectory>[0];

interface Scene {
  /** The status of the existing log, or the error of reading it; absent if there is no log. */
  readonly log?: Partial<LogStatus> | LogError;
  /** The errors of the first attempts to read the log, in order. */
  readonly before?: readonly LogError[];
  readonly snapshots?: readonly SnapshotInfo[];
  /** The stored state of the node; absent if it has none. */
  readonly own?: { readonly generation: string; readonly id: number; readonly applyVersion?: number };
  readonly content?: boolean;
  readonly seeds?: boolean;
  /** Whether the store has a snapshot that the node can install. */
  readonly installable?: boolean;
}

function stateOf(generation: string, id: number, applyVersion = APPLY_VERSION): NodeState {
  const membership = initialMembership(5, applyVersion, "settings");
  return { position: { generation, id, entryHash: "", stateHash: "" }, membership };
}

interface Found {
  readonly state: NodeState | null;
  /** The steps that were taken, in order. */
  readonly did: readonly string[];
}

async function found(t: Owner, scene: Scene): Promise<Found> {
  const { log: there, before = [], snapshots = [], own, content = false, seeds = false, installable = true } = scene;
  const did: string[] = [];
  const faults = [...before];
  const db = openWriter(makeDirectory(t));
  t.teardown(() => void db.close());
  if (content) db.exec("INSERT INTO state_version VALUES (1, 1, 0, x'00', 'text/plain', 1, '', x'00')");
  let created = "";
  let elapsed = 0;
  const log: OrderedLog = {
    open: () => {
      const fault = faults.shift() ?? (there instanceof LogError ? there : undefined);
      if (fault !== undefined) return Promise.reject(fault);
      if (there === undefined) return Promise.resolve(null);
      const status = { generation: "g", first: 1, last: 0, warnings: [], ...(there as Partial<LogStatus>) };
      return Promise.resolve({ status, close: () => Promise.resolve() } as never);
    },
    create: (generation) => {
      created = generation;
      did.push("create");
      return Promise.resolve();
    },
    snapshots: { list: () => Promise.resolve(snapshots) } as never,
  };
  const state = await new Bootstrap({
    log,
    seeds,
    cluster: "koor",
    db,
    state: () => (own === undefined ? null : stateOf(own.generation, own.id, own.applyVersion)),
    keep: (kept) =>
      void did.push(kept.position.generation === created ? `keep ${kept.position.id}` : "keep a stranger"),
    settings: "settings",
    nowMs: 9,
    elapsed: () => (elapsed += LOG_WENT_BACK_MS / 2 + 1),
    install: (least, generation) => {
      did.push(`install ${least} of ${generation}`);
      return Promise.resolve(installable ? stateOf(generation, Math.max(least, 3)) : null);
    },
    upload: () => Promise.resolve(void did.push("upload")),
    waiting: (reason) => void did.push(`waits: ${reason}`),
    // Stops a bootstrap that would wait forever.
    closed: () => did.filter((line) => line.startsWith("waits")).length > 2,
  }).run();
  return { state, did };
}

t.test("a node continues from its own position", async (t) => {
  const { state, did } = await found(t, { log: { last: 8 }, own: { generation: "g", id: 7 }, content: true });
  t.equal(state?.position.id, 7);
  t.same(did, []);
  const seeded = await found(t, { log: { last: 8 }, own: { generation: "g", id: 7 }, seeds: true });
  t.equal(seeded.state?.position.id, 7, "the flag may stay in a unit file");
  t.same(seeded.did, []);
});

t.test("an empty node installs a snapshot", async (t) => {
  const { state, did } = await found(t, { log: { first: 12, last: 30 } });
  t.match(state, { position: { generation: "g", id: 11 } });
  t.same(did, ["install 11 of g"]);
  const none = await found(t, { log: { last: 0 }, installable: false });
  t.equal(none.state, null);
  t.match(none.did, [/install 0/, "waits: there is no snapshot of the cluster yet"]);
});

t.test("the first node starts the cluster with its own data", async (t) => {
  for (const content of [false, true]) {
    const { state, did } = await found(t, { seeds: true, content });
    t.same(did, ["create", "keep 0", "upload"]);
    t.match(state, {
      position: { id: 0 },
      membership: { nowMs: 9, applyVersion: APPLY_VERSION, settings: "settings" },
    });
  }
  const again = await found(t, { seeds: true, log: { last: 0 } });
  t.same(again.did, ["create", "keep 0", "upload"], "where it did not come to the end");
});

t.test("a lost log is started again from the node with --cluster-seed", async (t) => {
  const gone = await found(t, { seeds: true, own: { generation: "g", id: 7 } });
  const waits = "waits: the log of cluster koor seems to be lost: this node replaces it if it does not come back";
  t.same(gone.did, [waits, "create", "keep 0", "upload"], "not at once: who says so may not know better");
  const shorter = await found(t, { seeds: true, own: { generation: "g", id: 7 }, log: { last: 3 } });
  t.same(shorter.did, [waits, "create", "keep 0", "upload"]);
});

t.test("an error that a retry cannot fix stops the start and says what to do", async (t) => {
  const info = { position: 0, generation: "h", bytes: 1 };
  const rows: readonly (readonly [Scene, RegExp])[] = [
    [{}, /there is no cluster koor .* --cluster-seed/],
    [{ own: { generation: "g", id: 7 } }, /the log of cluster koor is gone: start the node .* --cluster-seed/],
    [{ own: { generation: "f", id: 7 }, log: { last: 9 } }, /belongs to another cluster \(f, here is g\).* empty one/],
    [{ content: true, log: { last: 9 } }, /holds data that cluster koor does not have/],
    [{ seeds: true, log: { last: 9 } }, /koor is a cluster already/],
    [{ seeds: true, content: true, log: { last: 0 }, snapshots: [info] }, /koor is a cluster already/],
    [{ seeds: true, own: { generation: "f", id: 1 }, log: { last: 9 } }, /koor is a cluster already/],
    [{ own: { generation: "g", id: 7, applyVersion: APPLY_VERSION + 1 }, log: { last: 9 } }, /start a newer Koor/],
    [{ log: new LogError("denied", "wrong password") }, /^wrong password$/],
    [{ log: new LogError("too_old", "the server is too old") }, /^the server is too old$/],
    [{ log: new LogError("unsafe", "it forgets") }, /^it forgets$/],
    [{ log: new LogError("foreign", "somebody else's") }, /^somebody else's$/],
  ];
  for (const [scene, message] of rows) {
    await t.rejects(found(t, scene), Object.assign(new BootstrapError(), { message }), JSON.stringify(scene));
  }
});

t.test("an unreachable log is retried", async (t) => {
  const away = new LogError("unreachable", "nobody answers");
  const { state, did } = await found(t, { before: [away, away], log: { last: 2 }, own: { generation: "g", id: 2 } });
  t.equal(state?.position.id, 2);
  t.same(did, ["waits: nobody answers", "waits: nobody answers"]);
  const never = await found(t, { log: away });
  t.equal(never.state, null, "until the server is stopped");
});
