/** The type of what the command line says about the form of the output. Types only. */
import type { ListName } from "./output/lists.js";

/** How the answer of a command is printed. */
export interface View {
  readonly pretty: boolean;
  /** Whether `--json` is given: the answer is printed as JSON on a terminal, too. */
  readonly json: boolean;
  /** The names in `--fields`; undefined if the flag is not given. */
  readonly fields?: readonly string[] | undefined;
  /** Whether `--no-color` is given. */
  readonly noColor?: boolean;
  /** The list that the command answers, for a table on a terminal. */
  readonly list?: ListName | undefined;
}
