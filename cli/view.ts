/** The type of the flags that choose the output format. Types only. */
import type { ListName } from "./output/lists.js";

/** How the answer of a command is printed. */
export interface View {
  readonly pretty: boolean;
  /** Whether `--json` is given. The answer is then printed as JSON even on a terminal. */
  readonly json: boolean;
  /** The names in `--fields`; undefined if the flag is not given. */
  readonly fields?: readonly string[] | undefined;
  /** Whether `--no-color` is given. */
  readonly noColor?: boolean;
  /** The name of the list in the command's answer, which is printed as a table on a terminal. */
  readonly list?: ListName | undefined;
}
