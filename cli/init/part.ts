/**
 * The interface of Koor's parts of other programs' files. A file may have several parts: its MCP entry and its hooks.
 * The other modules of this folder implement the parts of each format. Types only.
 */
import type { CliFailure } from "../failure.js";

export interface Part {
  /**
   * Puts the part into the text of a file, or replaces an older one. The text is "" if the file does not exist. Returns
   * the text unchanged if the part is already there, and a failure if another content is in the part's place.
   */
  readonly put: (text: string) => string | CliFailure;
  /** Removes the part from a text, whatever else has changed in it. */
  readonly take: (text: string, kept: ReadonlySet<string>) => string | CliFailure;
  /**
   * Returns the names of the containers (objects, arrays) of the part that a text has. `take` removes an empty
   * container unless it is one of those that the file had without the part.
   */
  readonly containers: (text: string) => readonly string[];
}
