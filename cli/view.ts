/** Declares the flags that choose the output format. Types only. */
import type { ListName } from "./output/lists.js";

/** The output format that the flags of a command choose. */
export interface View {
  readonly pretty: boolean;
  /** Whether `--json` is given, so that the answer is JSON even on a terminal. */
  readonly json: boolean;
  /** The names in `--fields`; undefined if the flag is not given. */
  readonly fields?: readonly string[] | undefined;
  /** Whether `--no-color` is given. */
  readonly noColor?: boolean;
  /** The name of the list in the answer. A terminal shows the list as a table. */
  readonly list?: ListName | undefined;
}
