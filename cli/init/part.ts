/**
 * Declares the interface of a part. A part is something that Koor adds to another program's file, such as an MCP entry
 * or a set of hooks. A file may have several parts. The other modules of this folder implement parts for the different
 * formats. Types only.
 */
import type { CliFailure } from "../failure.js";

export interface Part {
  /**
   * Adds the part to the text of a file, or updates an older version of the part. If the part is up to date, returns
   * the text unchanged. Returns a failure if other content is at the part's place.
   * @param text the text of the file; "" if the file does not exist
   */
  readonly put: (text: string) => string | CliFailure;
  /** Removes the part from a text. Works even if the rest of the text has changed since `put`. */
  readonly take: (text: string, kept: ReadonlySet<string>) => string | CliFailure;
  /**
   * Returns the names of the objects and arrays in a text that contain the part, such as `hooks`. If one of them
   * becomes empty, `take` removes it too, unless its name is in `kept`.
   */
  readonly containers: (text: string) => readonly string[];
}
