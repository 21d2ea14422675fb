/**
 * Collects the successful calls of one transaction, and computes which things they have changed. Runs in the writer
 * thread. Each method has rules that say which things its calls change (changes.ts). From the rules, the set derives
 * the stale copies in the front's caches, and the changes of which clients are notified. If only a model knows a
 * change, the model publishes it itself (model.ts).
 */
import { COPIED_KINDS } from "./changes.js";
import type { ChangeSet } from "./change-set.js";
import type { RemoteChanges } from "./push-messages.js";
import type { Served } from "./writer-method.js";

const COPIED: ReadonlySet<string> = new Set(COPIED_KINDS);

/** A call that was executed without a failure. */
interface DoneCall {
  readonly call: Served;
  readonly reply: unknown;
  readonly audited: string | null;
  readonly isRemote: boolean;
}

export class DirtySet {
  #calls: DoneCall[] = [];

  clear(): void {
    this.#calls = [];
  }

  /**
   * Adds a call that was executed without a failure.
   * @param audited the `resource` of the call's row in the audit log; null if the call has no row
   * @param isRemote whether the call was made at another node
   */
  add(call: Served, reply: unknown, audited: string | null, isRemote: boolean): void {
    this.#calls.push({ call, reply, audited, isRemote });
  }

  /**
   * Returns the keys that calls from other nodes have changed, for each kind that the front caches. The front already
   * knows the keys of its own calls.
   */
  staleCopies(): RemoteChanges["changes"] {
    const stale = new Map<string, Set<string> | null>();
    for (const { call, reply, isRemote } of this.#calls) {
      if (!isRemote) continue;
      for (const rule of call.method.changes) {
        if (!COPIED.has(rule.kind)) continue;
        const keys = rule.changedKeys(call.request, reply);
        const known = stale.get(rule.kind);
        if (keys === null) stale.set(rule.kind, null);
        else if (known === undefined) stale.set(rule.kind, new Set(keys));
        else for (const key of keys) known?.add(key);
      }
    }
    return COPIED_KINDS.flatMap((kind) => {
      const keys = stale.get(kind);
      return keys === undefined ? [] : [{ kind, keys: keys === null ? null : [...keys] }];
    });
  }

  /** Adds the changes of the calls to the change set `changes`, from which clients are notified. */
  report(changes: ChangeSet): void {
    for (const { call, reply, audited } of this.#calls) {
      if (audited !== null) changes.add("audit", audited, null);
      for (const rule of call.method.changes)
        if (changes.wants(rule.kind)) changes.addAll(rule.kind, rule.report(call.request, reply));
    }
  }
}
