/**
 * The calls that have changed something in one transaction, until it is published. The rules of their methods
 * (changes.ts) say what each call has changed. The set derives two things from them: which of the front's copies are
 * stale, and what clients are told. Changes that only a model knows are published by the model (model.ts). Runs in the
 * writer.
 */
import { COPIED_KINDS } from "./changes.js";
import type { ChangeSet } from "./change-set.js";
import type { RemoteChanges } from "./push-messages.js";
import type { Served } from "./writer-method.js";

const COPIED: ReadonlySet<string> = new Set(COPIED_KINDS);

/** A call that has been executed without a failure. */
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
   * Adds a call that has been executed without a failure.
   * @param audited the `resource` of the call's row in the audit log; null if the call has no row
   * @param isRemote whether the call was made at another node
   */
  add(call: Served, reply: unknown, audited: string | null, isRemote: boolean): void {
    this.#calls.push({ call, reply, audited, isRemote });
  }

  /**
   * Returns the keys of the front's copies that remote calls have made stale, by kind. The front knows the keys of its
   * own calls.
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

  /** Adds what clients are told about the calls. */
  report(changes: ChangeSet): void {
    for (const { call, reply, audited } of this.#calls) {
      if (audited !== null) changes.add("audit", audited, null);
      for (const rule of call.method.changes)
        if (changes.wants(rule.kind)) changes.addAll(rule.kind, rule.report(call.request, reply));
    }
  }
}
