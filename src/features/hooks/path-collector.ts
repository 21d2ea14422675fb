/** Collects the paths that a tool call writes, each once, up to a limit. Pure. */
import { HOOK_PATH_CHARACTERS_MAX, HOOK_PATHS_CHARACTERS_MAX, HOOK_PATHS_MAX } from "../../../schemas/limits/hooks.js";

/** The paths that a tool call writes, unchanged and in the order in which the call names them. */
export interface WrittenPaths {
  readonly paths: readonly string[];
  /** False if the call writes more paths than the limits allow, or a path that is too long. */
  readonly complete: boolean;
}

export class PathCollector {
  readonly #paths = new Set<string>();
  #characters = 0;
  #complete = true;

  /** Adds a path. Returns false if the limits allow no further path. */
  add(path: string): boolean {
    if (path === "") return true;
    if (path.length > HOOK_PATH_CHARACTERS_MAX) this.#complete = false;
    else if (!this.#paths.has(path)) {
      if (this.#paths.size === HOOK_PATHS_MAX || this.#characters + path.length > HOOK_PATHS_CHARACTERS_MAX) {
        this.#complete = false;
        return false;
      }
      this.#paths.add(path);
      this.#characters += path.length;
    }
    return true;
  }

  /** Marks the result as incomplete: the call may also write paths that were not added. */
  cut(): void {
    this.#complete = false;
  }

  result(): WrittenPaths {
    return { paths: [...this.#paths], complete: this.#complete };
  }
}
