/**
 * What has changed, gathered until it is told: of each kind a bounded number of names, a name once, the newest
 * version of it. Used by the writer for a commit, and by the front from one tick to the next. Pure.
 */
import type { ChangeKind, ChangesPush } from "../../schemas/changes.js";
import { CHANGE_NAMES_MAX } from "../../schemas/limits.js";
import type { ReportedChange } from "./changes.js";

export class ChangeSet {
  readonly #names = new Map<ChangeKind, Map<string | null, number | null>>();
  readonly #left_out = new Set<ChangeKind>();
  readonly #wants: (kind: ChangeKind) => boolean;

  /** @param wants which kinds anybody is told of; what is of another is passed over */
  constructor(wants: (kind: ChangeKind) => boolean = () => true) {
    this.#wants = wants;
  }

  wants(kind: ChangeKind): boolean {
    return this.#wants(kind);
  }

  /** What was changed last counts: it may be gone, and have no version. */
  add(kind: ChangeKind, key: string | null, version: number | null): void {
    if (!this.#wants(kind)) return;
    let names = this.#names.get(kind);
    if (names === undefined) {
      names = new Map();
      this.#names.set(kind, names);
    }
    if (names.size < CHANGE_NAMES_MAX || names.has(key)) names.set(key, version);
    else this.#left_out.add(kind);
  }

  /** As a rule tells of it; null where that is more than can be named. */
  addAll(kind: ChangeKind, told: readonly ReportedChange[] | null): void {
    if (told === null) this.leaveOut(kind);
    else for (const { key, version } of told) this.add(kind, key, version);
  }

  /** More of the kind has changed than is named. */
  leaveOut(kind: ChangeKind): void {
    if (this.#wants(kind)) this.#left_out.add(kind);
  }

  /** What was gathered, which is forgotten; null where that is nothing. */
  take(): ChangesPush | null {
    if (this.#names.size === 0 && this.#left_out.size === 0) return null;
    const changes = [...this.#names].flatMap(([kind, names]) =>
      [...names].map(([key, version]) => ({ kind, key, version })),
    );
    const left_out = [...this.#left_out];
    this.clear();
    return { changes, left_out };
  }

  clear(): void {
    this.#names.clear();
    this.#left_out.clear();
  }
}
