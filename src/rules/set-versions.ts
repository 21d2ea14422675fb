/**
 * The numbers of the projects' rule sets as the front knows them: they travel with each validation, so that a thread
 * that holds the sets need not ask the database. Runs on the front. A number is never older than what a client was
 * told of: while rules are on their way to the writer none is kept, and it is read each time.
 */
import { RULE_SET_VERSIONS_KEPT_MAX } from "../../schemas/limits.js";
import type { Failure } from "../base/result.js";
import type { ChangeListener } from "../threads/changes.js";

export class RuleSetVersions implements ChangeListener {
  readonly #read: (project: string) => number;
  readonly #behind: () => boolean;
  readonly #known = new Map<string, number>();
  /** Calls on their way that change rules: there are few. */
  #changing = 0;

  /**
   * @param read the number that is in the database now
   * @param behind whether it may be newer there than was told
   */
  constructor(read: (project: string) => number, behind: () => boolean) {
    this.#read = read;
    this.#behind = behind;
  }

  /** The number of a project's set; 0 where it never had one. */
  get(project: string): number {
    const known = this.#behind() ? undefined : this.#known.get(project);
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
