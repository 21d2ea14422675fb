/**
 * Collects changes until they are published. For each kind of thing it keeps at most CHANGE_NAMES_MAX names. If one
 * thing changes several times, only its newest version is kept. The writer has a change set for each commit, and the
 * front has one for each tick. Pure.
 */
import type { ChangeKind, ChangesPush } from "../../../schemas/changes.js";
import { CHANGE_NAMES_MAX } from "../../../schemas/limits/changes.js";
import type { ReportedChange } from "./changes.js";

export class ChangeSet {
  readonly #names = new Map<ChangeKind, Map<string | null, number | null>>();
  readonly #leftOut = new Set<ChangeKind>();
  readonly #wants: (kind: ChangeKind) => boolean;

  /** @param wants returns true for a kind that clients watch; changes of other kinds are dropped */
  constructor(wants: (kind: ChangeKind) => boolean = () => true) {
    this.#wants = wants;
  }

  wants(kind: ChangeKind): boolean {
    return this.#wants(kind);
  }

  /** Adds a change, which replaces an earlier change of the same name. `version` is null if the thing was deleted. */
  add(kind: ChangeKind, key: string | null, version: number | null): void {
    if (!this.#wants(kind)) return;
    let names = this.#names.get(kind);
    if (names === undefined) {
      names = new Map();
      this.#names.set(kind, names);
    }
    if (names.size < CHANGE_NAMES_MAX || names.has(key)) names.set(key, version);
    else this.#leftOut.add(kind);
  }

  /** Adds changes of one kind. `reported` is null if there are too many changes to name each of them. */
  addAll(kind: ChangeKind, reported: readonly ReportedChange[] | null): void {
    if (reported === null) this.leaveOut(kind);
    else for (const { key, version } of reported) this.add(kind, key, version);
  }

  /** Records that some things of a kind have changed whose names the set does not contain. */
  leaveOut(kind: ChangeKind): void {
    if (this.#wants(kind)) this.#leftOut.add(kind);
  }

  /** Returns the collected changes and forgets them; null if there are none. */
  take(): ChangesPush | null {
    if (this.#names.size === 0 && this.#leftOut.size === 0) return null;
    const changes = [...this.#names].flatMap(([kind, names]) =>
      [...names].map(([key, version]) => ({ kind, key, version })),
    );
    const leftOut = [...this.#leftOut];
    this.clear();
    return { changes, left_out: leftOut };
  }

  clear(): void {
    this.#names.clear();
    this.#leftOut.clear();
  }
}
