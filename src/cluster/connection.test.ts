/** Tests a session that is lost while a snapshot is fetched, and fetches that fail. */
import t from "tap";
import { LOG_REOPEN_DELAY_MS_MAX, LOG_WENT_BACK_MS } from "../../schemas/limits/cluster.js";
import { LogError, type LogListener, type LogSession } from "./log/ordered-log.js";
import { Connection } from "./connection.js";
import { initialMembership } from "./membership.js";
import type { NodeState } from "./table.js";

/** Waits until the callbacks of all settled promises have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A node that has applied entry 1, with a log that begins at entry 50. */
class Scene {
  readonly connection: Connection;
  readonly did: string[] = [];
  readonly listeners: LogListener[] = [];
  position = { generation: "g", id: 1, entryHash: "", stateHash: "" };
  /** Ends the fetch in progress with this result. */
  end: (how: "whole" | "none" | LogError) => void = () => undefined;
  #now = 0;

  constructor() {
    this.connection = new Connection({
      log: {
        open: (listener) => {
          this.did.push("open");
          this.listeners.push(listener);
          const status = { generation: "g", first: 50, last: 60, warnings: [] };
          const session = { status, close: () => Promise.resolve(), read: () => Promise.resolve(null) };
          return Promise.resolve(session as unknown as LogSession);
        },
      },
      position: () => this.position,
      install: (least) => {
        this.did.push(`fetch ${least}`);
        return new Promise<NodeState | null>((resolve, reject) => {
          this.end = (how) => {
            if (how instanceof LogError) reject(how);
            else resolve(how === "none" ? null : this.#snapshot());
          };
        });
      },
      elapsed: () => this.#now,
      found: () => undefined,
      restart: ({ position }) => {
        this.did.push(`restart at ${position.id}`);
        this.position = { ...position, id: 49 };
        return null;
      },
      opened: () => void this.did.push("opened"),
      entry: () => undefined,
      disconnected: (why) => void this.did.push(`disconnected: ${why}`),
      fatal: (why) => void this.did.push(`fatal: ${why}`),
    });
  }

  #snapshot(): NodeState {
    return { position: { ...this.position, id: 49 }, membership: initialMembership(0, 1, "") };
  }

  async later(): Promise<void> {
    this.#now += LOG_REOPEN_DELAY_MS_MAX;
    this.connection.tick(this.#now);
    await settled();
  }
}

t.test("a session that is lost while a snapshot is fetched", async (t) => {
  const scene = new Scene();
  await scene.later();
  t.strictSame(scene.did.splice(0), ["open", "fetch 49"]);
  scene.listeners[0]?.lost(new LogError("unreachable", "the way broke"));
  for (let at = 0; at < 5; at++) await scene.later();
  t.strictSame(scene.did.splice(0), ["disconnected: the way broke"], "the fetch goes on, and no other begins");
  scene.end("whole");
  await settled();
  await scene.later();
  t.strictSame(scene.did, ["restart at 49", "open", "opened"]);
});

t.test("a failed fetch is retried", async (t) => {
  const scene = new Scene();
  await scene.later();
  for (const [how, why] of [
    [new LogError("unreachable", "no piece came"), "no piece came"],
    ["none", "waiting for a snapshot at entry 49 or later: this node is at 1"],
    [new LogError("unsafe", "it is damaged"), "it is damaged"],
    [new LogError("denied", "a right is missing"), "a right is missing"],
  ] as const) {
    scene.did.length = 0;
    scene.end(how);
    await settled();
    await scene.later();
    t.strictSame(scene.did, [`disconnected: ${why}`, "open", "fetch 49"]);
  }
  scene.end("whole");
  await settled();
  t.equal(scene.did.at(-1), "opened");
});

t.test("an entry that was trimmed during the verification does not halt the node", async (t) => {
  const scene = new Scene();
  scene.position.id = 55;
  await scene.later();
  t.match(scene.did, ["open", /^disconnected: the log is another one: its entry 55/]);
  for (let at = 0; at < LOG_WENT_BACK_MS / LOG_REOPEN_DELAY_MS_MAX; at++) await scene.later();
  t.match(scene.did.at(-1), /^fatal: the log is another one: its entry 55/, "but where it stays so");
});
