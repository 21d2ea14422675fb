/**
 * The interface of Koor's parts in the files of other programs. A file may have several parts, such as an MCP entry and
 * hooks. The other modules of this folder implement the parts for each format. Types only.
 */
import type { CliFailure } from "../failure.js";

export interface Part {
  /**
   * Adds the part to the text of a file, or replaces an older version of it. The text is "" if the file does not exist.
   * If the part is already there, returns the text unchanged. Returns a failure if other content takes the part's
   * place.
   */
  readonly put: (text: string) => string | CliFailure;
  /** Removes the part from a text, even if the rest of the text has changed. */
  readonly take: (text: string, kept: ReadonlySet<string>) => string | CliFailure;
  /**
   * Returns the names of the part's containers (objects, arrays) that exist in a text. `take` removes a container that
   * becomes empty, unless the file had it before the part was added.
   */
  readonly containers: (text: string) => readonly string[];
}
