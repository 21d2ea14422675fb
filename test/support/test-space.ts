/**
 * The part of a shared server that one test has for itself: a workspace, and the numbers that the server gives out
 * after the test has begun. The ids, fences, events and audit rows of a test can thus be compared exactly, whatever
 * other tests did on the same server before. Only one test may run at a time. Runs in the test's process.
 */
import { must } from "../../src/base/assert.js";
import { send } from "./http-client.js";
import { Agent, eventsOf, nextEvent, type StoredEvent } from "./leasing.js";

export interface AuditRow {
  readonly id: number;
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  /** JSON. */
  readonly detail: string;
  readonly outcome: string;
}

/** The newest numbers that the server has given out. */
interface Newest {
  readonly task: number;
  readonly lease: number;
  readonly fence: number;
  readonly event: number;
  readonly auditRow: number;
}

const AUDIT_ROWS_MAX = 10_000;

export class TestSpace {
  readonly #before: Newest;

  private constructor(
    readonly port: number,
    readonly workspace: string,
    before: Newest,
  ) {
    this.#before = before;
  }

  /**
   * Begins a test.
   * @param workspace the test's own; no other test of the server uses it
   */
  static async begin(port: number, workspace: string): Promise<TestSpace> {
    const agent = await Agent.register(port, "before", { workspace: `before-${workspace}` });
    const lease = await agent.lease(["before"]);
    await agent.release(lease);
    const task = (await agent.ask("POST", "/api/tasks", { title: "before" })).json<{ readonly id: string }>();
    await agent.ask("POST", `/api/tasks/${task.id}/cancel`, {});
    await agent.ask("DELETE", `/api/instances/${agent.id}`);
    const [event] = (await send(port, "GET", "/api/events/history?last=1")).json<StoredEvent[]>();
    const [row] = (await send(port, "GET", "/api/audit?limit=1")).json<AuditRow[]>();
    return new TestSpace(port, workspace, {
      task: numberOf(task.id),
      lease: numberOf(lease.id),
      fence: must(lease.fence, "the lease was granted"),
      event: must(event, "the lease was published").id,
      auditRow: must(row, "the lease was audited").id,
    });
  }

  /** Registers agents in the test's workspace. */
  async agents<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ readonly [At in keyof Names]: Agent }> {
    const agents = names.map((name) => Agent.register(this.port, name, { workspace: this.workspace }));
    return (await Promise.all(agents)) as { readonly [At in keyof Names]: Agent };
  }

  /** Returns the id that the server gives the test's task of this number, if it has no id of its own. */
  taskId(number: number): string {
    return `task-${this.#before.task + number}`;
  }

  /** Returns the id of the test's lease of this number; each request for a lease counts that gets or waits for one. */
  leaseId(number: number): string {
    return `lease-${this.#before.lease + number}`;
  }

  /** Returns the fence of the test's claim of this number; both leases and tasks count. */
  fence(number: number): number {
    return this.#before.fence + number;
  }

  /** Returns the number within the test of a fence; null for none. */
  numberOfFence(fence: number | null): number | null {
    return fence === null ? null : fence - this.#before.fence;
  }

  /** Removes the name of the workspace from the names in a text that begin with it: `a` for `WORKSPACE-a`. */
  shorten(text: string): string {
    return text.replaceAll(`${this.workspace}-`, "");
  }

  /** Returns the test's events whose topics match a pattern, oldest first. */
  events(pattern: string): Promise<StoredEvent[]> {
    return eventsOf(this.port, pattern, this.#before.event);
  }

  /** Waits for the test's first event of a topic, or for the first after a later cursor. */
  nextEvent(topic: string, after = this.#before.event): Promise<StoredEvent> {
    return nextEvent(this.port, topic, after);
  }

  /** Returns the audit rows that were written during the test, oldest first. */
  async auditRows(): Promise<AuditRow[]> {
    const rows = (await send(this.port, "GET", `/api/audit?limit=${AUDIT_ROWS_MAX}`)).json<AuditRow[]>();
    return rows.filter(({ id }) => id > this.#before.auditRow).toReversed();
  }
}

/** Returns the number at the end of an id that the server has made: 7 for `lease-7`. */
function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf("-") + 1));
}
