/**
 * An independent checker of tasks. It reads events in their order, as any client could, and reports violations of the
 * contract. It knows only the contract and not the server. lease-checker.ts checks leases; this checker also checks
 * that a task and its lease are one claim. Pure.
 */
import type { StoredEvent } from "./leasing.js";

interface TaskData {
  readonly task_id: string;
  readonly state: string;
  readonly holder: { readonly id: string } | null;
  readonly fence: number | null;
}

interface Known {
  state: string;
  holder: string | null;
  fence: number | null;
  done: number;
}

/** For each event, the states from which a task may reach the event's state. */
const FROM: Readonly<Record<string, readonly string[]>> = {
  ready: ["created", "claimed", "input_required", "failed", "dead", "ready"],
  claimed: ["ready"],
  input_required: ["claimed"],
  done: ["claimed"],
  failed: ["claimed"],
  dead: ["claimed"],
  canceled: ["created", "ready", "claimed", "input_required"],
};

export class TaskChecker {
  readonly problems: string[] = [];
  readonly tasks = new Map<string, Known>();
  /** The number of claims of each task. */
  claims = 0;
  /** The newest fence of any claim. */
  #fence = 0;
  /** For each held lease of a task, the fence of the task. */
  readonly #leases = new Map<string, number>();

  read(event: StoredEvent): void {
    if (event.topic.startsWith("lease.")) this.#readLease(event);
    else this.#readTask(event);
  }

  #readLease(event: StoredEvent): void {
    const { task, fence } = event.data as { readonly task: string | null; readonly fence: number };
    if (event.topic === "lease.granted") this.#mint(event, fence);
    if (task === null) return;
    if (event.topic === "lease.granted") {
      if (this.#leases.has(task)) this.#problem(event, "its task has a lease");
      this.#leases.set(task, fence);
    } else {
      if (this.#leases.get(task) !== fence) this.#problem(event, "its task had another lease");
      this.#leases.delete(task);
    }
  }

  #readTask(event: StoredEvent): void {
    const { task_id, state, holder, fence } = event.data as unknown as TaskData;
    const what = event.topic.slice("task.".length);
    if (what === "created") {
      if (this.tasks.has(task_id)) this.#problem(event, "it is there");
      this.tasks.set(task_id, { state: "created", holder: null, fence: null, done: 0 });
      return;
    }
    const task = this.tasks.get(task_id);
    if (task === undefined) {
      this.#problem(event, "it was never created");
      return;
    }
    if (what !== state) this.#problem(event, `its state is ${state}`);
    if (FROM[what]?.includes(task.state) !== true) this.#problem(event, `it was ${task.state}`);
    if (what === "claimed") {
      this.claims += 1;
      if (this.#leases.get(task_id) === undefined) this.#mint(event, fence ?? 0);
      else if (this.#leases.get(task_id) !== fence) this.#problem(event, "its lease has another fence");
      Object.assign(task, { state, holder: holder?.id, fence });
      return;
    }
    if (task.fence !== fence || (task.holder ?? undefined) !== holder?.id) this.#problem(event, "another held it");
    if (this.#leases.has(task_id)) this.#problem(event, "its lease has not ended");
    if (what === "done") task.done += 1;
    if (task.done > 1) this.#problem(event, "it was done before");
    Object.assign(task, { state, holder: null, fence: null });
  }

  #mint(event: StoredEvent, fence: number): void {
    if (fence <= this.#fence) this.#problem(event, `its fence is not above ${this.#fence}`);
    this.#fence = Math.max(this.#fence, fence);
  }

  #problem({ id, topic, data }: StoredEvent, what: string): void {
    this.problems.push(`event ${id}, ${topic} of ${String(data["task_id"] ?? data["task"])}: ${what}`);
  }
}
