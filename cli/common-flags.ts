/** Declares the flags that every command accepts. Data only; runs in the CLI process. */
import type { Flag } from "./command-row.js";

/** A flag that every command accepts, with the members that the help and completion need. */
interface CommonFlag extends Pick<Flag, "name" | "about" | "value"> {
  readonly short?: string;
}

/** The flag that selects members of the answer. */
export const FIELDS_FLAG: Flag = {
  name: "fields",
  kind: "text",
  value: "A,B",
  about: "print only these members, such as id,holder.name",
};
/** The flag that names the servers to ask. */
export const SERVER_FLAG: Flag = {
  name: "server",
  kind: "text",
  value: "URL[,URL…]",
  about: "ask this server, or any of these, instead of the configured one",
};
/** The flag that names the context to use. */
export const CONTEXT_FLAG: Flag = {
  name: "context",
  kind: "text",
  value: "NAME",
  about: "use this context (see context add) instead of the one in effect",
};

export const COMMON_FLAGS: readonly CommonFlag[] = [
  { name: "json", about: "print the answer as the server sent it, also on a terminal" },
  { name: "pretty", about: "indent the answer, also with --json" },
  FIELDS_FLAG,
  { name: "no-color", about: "print no colors on a terminal; NO_COLOR=1 does the same" },
  SERVER_FLAG,
  CONTEXT_FLAG,
  { name: "help", short: "-h", about: "show this help" },
];
