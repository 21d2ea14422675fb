/**
 * Caches the version of each project's rule set. The front sends the versions with each validation. A worker that has
 * cached these versions need not read the database.
 *
 * A client must never get an older version after a newer one. So while a call that changes rules is in flight to the
 * writer, the front caches nothing, and reads versions from the database. Runs on the front.
 */
import { RULE_SET_VERSIONS_KEPT_MAX } from "../../../schemas/limits/rules.js";
import type { Failure } from "../../base/result.js";
import type { ChangeListener } from "../../platform/threads/changes.js";

export class RuleSetVersions implements ChangeListener {
  readonly #read: (project: string) => number;
  readonly #mayBeStale: () => boolean;
  readonly #known = new Map<string, number>();
  /**
   * The number of calls in flight that change rules. The number covers all projects, because there are few such calls.
   */
  #changing = 0;

  /**
   * @param read reads a version from the database
   * @param mayBeStale returns whether the front may have missed the latest changes
   */
  constructor(read: (project: string) => number, mayBeStale: () => boolean) {
    this.#read = read;
    this.#mayBeStale = mayBeStale;
  }

  /** Returns the version of a project's rule set; 0 if the project has never had rules. */
  get(project: string): number {
    const known = this.#mayBeStale() ? undefined : this.#known.get(project);
    if (known !== undefined) return known;
    const version = this.#read(project);
    if (this.#changing > 0) return version;
    if (this.#known.size >= RULE_SET_VERSIONS_KEPT_MAX) this.#known.clear();
    this.#known.set(project, version);
    return version;
  }

  begin(_asked: readonly string[] | null): void {
    this.#changing += 1;
    this.#known.clear();
  }

  end(_asked: readonly string[] | null, _made: readonly string[] | null | Failure): void {
    this.#changing -= 1;
  }
}
