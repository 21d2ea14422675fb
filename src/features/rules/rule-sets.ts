/**
 * An LRU cache of compiled rule sets. Each pool worker has its own cache. The caller loads the rows of a set, and each
 * rule is compiled at its first use. A set leaves the cache when the version of the project's rule set changes, or when
 * the cache needs the space.
 */
import { COMPILED_INSTRUCTIONS_KEPT_MAX, COMPILED_SETS_KEPT_MAX } from "../../../schemas/limits/rules.js";
import { NO_CONSOLE_LOG, type MatchType } from "../../../schemas/rules.js";
import { Failure } from "../../base/result.js";
import type { Model } from "../../platform/threads/model.js";
import { compileStoredGlob, type FileGlob } from "./file-glob.js";
import { compileRegex, type Regex } from "./regex.js";
import { defaultMessage, type Matcher } from "./violations.js";

/** The columns of a stored rule that are needed to compile it. */
export interface StoredRule {
  readonly rule_id: string;
  readonly severity: string;
  readonly match_type: MatchType;
  readonly pattern: string;
  readonly message: string;
  readonly stack: string;
  /** An array of globs, as JSON text. */
  readonly applies_to: string;
  readonly size: number;
}

const EVERY_NAME = "*";

/** A rule of a rule set. Its regex is compiled at the first use. */
export class CompiledRule implements Matcher {
  readonly matchType: MatchType;
  readonly stack: string;
  /** The beginning of the JSON text of each violation. It has the rule_id, the severity and the message. */
  readonly head: string;
  readonly #source: string;
  /** The globs of the files to which the rule applies; null if it applies to every file. */
  readonly #globs: readonly FileGlob[] | null;
  #regex: Regex | null | undefined;

  constructor({ rule_id, severity, match_type, pattern, message, stack, applies_to }: StoredRule) {
    this.matchType = match_type;
    this.stack = stack;
    this.#source = pattern;
    const text = message === "" ? defaultMessage(match_type, pattern) : message;
    this.head = JSON.stringify({ rule_id, severity, message: text }).slice(0, -1);
    const globs = JSON.parse(applies_to) as readonly string[];
    this.#globs = globs.includes(EVERY_NAME) ? null : globs.map(compileStoredGlob);
  }

  get regex(): Regex | null {
    if (this.#regex === undefined) {
      const compiled =
        this.matchType === "custom" && this.#source === NO_CONSOLE_LOG ? null : compileRegex(this.#source);
      // A failure here is a bug. Before the regex was stored, the same engine compiled it within the same limits.
      if (compiled instanceof Failure) throw new Error(`of a stored rule: ${compiled.message}`);
      this.#regex = compiled;
    }
    return this.#regex;
  }

  /**
   * Returns whether the rule applies to a file.
   * @param paths the file's path and its base name, each as a list of segments; null if the file has no name
   */
  appliesTo(paths: readonly (readonly string[])[] | null, stack: string): boolean {
    if (stack !== "" && this.stack !== "" && this.stack !== stack) return false;
    const globs = this.#globs;
    return globs === null || paths === null || globs.some((glob) => paths.some((path) => glob.matches(path)));
  }
}

interface KeptSet {
  readonly version: number;
  readonly rules: readonly CompiledRule[];
  readonly instructions: number;
}

export class RuleSets {
  readonly #sets = new Map<string, KeptSet>();
  #instructions = 0;

  /** Returns the rules of a project if this version of them is cached; otherwise undefined. */
  kept(project: string, version: number): readonly CompiledRule[] | undefined {
    const known = this.#sets.get(project);
    if (known?.version !== version) return undefined;
    this.#drop(project, known);
    return this.#keep(project, known);
  }

  /**
   * Returns the rules of a project. If they are not cached, their rows are loaded.
   * @param version the current version of the project's rule set
   * @param load loads the rows
   */
  get(project: string, version: number, load: () => readonly StoredRule[]): readonly CompiledRule[] {
    const known = this.#sets.get(project);
    if (known !== undefined) {
      this.#drop(project, known);
      if (known.version === version) return this.#keep(project, known);
    }
    const rows = load();
    const instructions = rows.reduce((sum, row) => sum + row.size, 0);
    return this.#keep(project, { version, rules: rows.map((row) => new CompiledRule(row)), instructions });
  }

  /**
   * Caches a set as the most recently used one. Then evicts the least recently used sets until the cache is within its
   * limits.
   */
  #keep(project: string, set: KeptSet): readonly CompiledRule[] {
    this.#sets.set(project, set);
    this.#instructions += set.instructions;
    for (const [oldest, old] of this.#sets) {
      if (this.#instructions <= COMPILED_INSTRUCTIONS_KEPT_MAX && this.#sets.size <= COMPILED_SETS_KEPT_MAX) break;
      this.#drop(oldest, old);
    }
    return set.rules;
  }

  #drop(project: string, set: KeptSet): void {
    this.#sets.delete(project);
    this.#instructions -= set.instructions;
  }
}

/** The cache of this thread. */
export const ruleSets: Model<RuleSets> = { open: () => new RuleSets() };
