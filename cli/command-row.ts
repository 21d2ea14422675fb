/**
 * The types of the command table. A row declares everything that is specific to one command. The parser, the help, the
 * request, the output and the exit code are all derived from the row. Types only.
 */
import type { Answer } from "./exchange.js";
import type { CliFailure, ExitCode } from "./failure.js";
import type { ListName } from "./output/lists.js";
import type { Settings } from "./settings.js";
import type { View } from "./view.js";

/** The kinds of names that completion can list. complete/sources.ts says where the names of each kind come from. */
export type NameKind =
  | "agent"
  | "budget"
  | "capability"
  | "command"
  | "context"
  | "evidence"
  | "file"
  | "instance"
  | "lease"
  | "limit"
  | "project"
  | "recipient"
  | "rule"
  | "rule_project"
  | "spec"
  | "stack"
  | "state"
  | "task"
  | "template"
  | "topic"
  | "webhook"
  | "workspace";

/** The values that completion offers: fixed words, or the existing names of a kind. */
export type Values = readonly string[] | NameKind;

export interface Argument {
  /** The name of the argument in `Args`, in path templates and in the usage line. */
  readonly name: string;
  /** The text that the usage line shows instead of the name, such as the allowed words. */
  readonly shown?: string;
  readonly optional?: true;
  /**
   * The argument takes one or more values, or any number if it is optional. `Args.list` returns them. Only an argument
   * with `afterDashes` may follow it.
   */
  readonly many?: true;
  /**
   * The argument is a command with its arguments: all words after `--`, unchanged. `Args.list` returns them. It must be
   * the last argument.
   */
  readonly afterDashes?: true;
  /** The values that completion offers. If the member is absent, completion offers none. */
  readonly values?: Values;
}

/**
 * The kind of a flag's value. `text`: any value. `whole`: digits only. `duration`: `90s` or `10m` (duration.ts).
 * `seconds`: digits or a duration, sent as seconds. `time`: a point in time, or a duration before or after now.
 * `switch`: no value.
 * A flag that several commands have must take a value in all of them or in none.
 */
export type FlagKind = "text" | "whole" | "duration" | "seconds" | "time" | "switch";

export interface Flag {
  /** The name without its dashes. */
  readonly name: string;
  readonly kind: FlagKind;
  /** The placeholder for the value in the usage line, such as `N`. A flag without a value has none. */
  readonly value?: string;
  readonly about: string;
  readonly required?: true;
  /** The flag may be given several times. `Args.list` returns all values. */
  readonly many?: true;
  /** Only for the kind `time`: a duration means a time in the future. By default, it means a time in the past. */
  readonly ahead?: true;
  /** The flag may be given without a value. Its value is then "". */
  readonly valueOptional?: true;
  /** The query parameter that gets the value. If the member is absent, the row's own functions use the value. */
  readonly query?: string;
  /** The values that completion offers. If the member is absent, completion offers none. */
  readonly values?: Values;
}

/** The values of the flags and arguments of one call, by name. */
export interface Args {
  text(name: string): string | undefined;
  /**
   * Returns the value of a required argument or flag. A command line without it is refused before this method can be
   * called.
   */
  need(name: string): string;
  has(name: string): boolean;
  /** Returns the value of a flag that is a duration, in ms. */
  duration(name: string): number | undefined;
  /** Returns all values of an argument or flag that may have several. */
  list(name: string): readonly string[];
}

/** The environment of a command: everything that the command gets besides its arguments. */
export interface CommandContext extends View {
  /** The name with which the program was called, for usage lines. */
  readonly program: string;
  readonly settings: () => Settings | CliFailure;
  readonly folder: string;
  /** The value of `--server`; "" if it is not given. Commands that call a server use `settings` instead. */
  readonly server: string;
  /** The value of `--context`; "" if it is not given. */
  readonly contextName: string;
}

/** A route of the server, as docs/http-api.md names it. */
export type Endpoint = `${"GET" | "PUT" | "POST" | "PATCH" | "DELETE"} /${string}`;

interface Described {
  /** The words that name the command: a noun and usually a verb. */
  readonly words: readonly [string, ...string[]];
  /** One sentence that describes the command. */
  readonly about: string;
  /** Examples for the help, without the program's name. Each is a line of shell that runs the command. */
  readonly examples: readonly [string, ...string[]];
  /** The name of the list in the command's answer. output/lists.ts defines the columns of the list. */
  readonly list?: ListName;
  readonly arguments?: readonly Argument[];
  readonly flags?: readonly Flag[];
  /** The flags of which exactly one must be given. */
  readonly oneOf?: readonly [string, ...string[]];
}

/**
 * How a command reads a list in several requests (list-parts.ts). A list that the server ends early, because its answer
 * would be too long, is always read to its end.
 */
export interface ListParts {
  /**
   * Whether the command reads page after page until the end of the list if the user gives no limit. Absent if the
   * server's answer has no default limit, or if the command prints only the newest records by default.
   */
  readonly paged?: true;
  /** The number of records that the server sends by default; absent if it has no default or if `paged` is set. */
  readonly rowsDefault?: number;
}

/** Sends a GET with a path. Returns the answer if it is a success. */
export type AskPath<Refused> = (path: string) => Promise<Answer | Refused>;

/** A command that sends one request and prints its answer to stdout. */
export interface RequestRow extends Described {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /**
   * The path template. `{name}` is replaced by the argument, percent-encoded. In `{name...}`, the argument's slashes
   * are not encoded. In `{name/}`, only its first slash is not encoded.
   */
  readonly path: string;
  /** Returns the query parameters that no flag sets. */
  readonly query?: (args: Args, context: CommandContext) => Readonly<Record<string, string>> | CliFailure;
  readonly headers?: (args: Args, context: CommandContext) => Readonly<Record<string, string>> | CliFailure;
  readonly body?: (args: Args, context: CommandContext) => Promise<Buffer | CliFailure>;
  /** Returns the media type of the body. It is used if `headers` sets no media type. */
  readonly typeOf?: (body: Buffer) => string;
  /**
   * Whether the request is idempotent, so that it may be sent again (exchange.ts). GET always is. A function decides by
   * the arguments. The member is absent if a repeated request could be executed twice.
   */
  readonly repeatable?: true | ((args: Args) => boolean);
  /** How the command reads its list. By default, the server sends all records. */
  readonly parts?: ListParts;
  /** Whether the request asks for the state of the server itself, not for its data. */
  readonly aboutServer?: true;
  /** `raw` prints the bytes of the answer unchanged. By default, the answer is printed as one line of JSON. */
  readonly answer?: "raw";
  /**
   * Converts a successful answer to the text to print. Most rows return the answer itself. If the arguments direct the
   * answer elsewhere, for example to a file, the text is a summary in JSON.
   */
  readonly onAnswer?: (answer: Buffer, args: Args, context: CommandContext) => Buffer | CliFailure;
  /**
   * Returns the exit code for a successful answer. The answer is printed in any case. If the member is absent, the code
   * is 0.
   */
  readonly exit?: (answer: Buffer) => ExitCode;
}

/**
 * A command that sends no request, or more than one. It prints its own output. If it runs another program, its exit
 * code may be that program's.
 */
export interface LocalRow extends Described {
  /**
   * The endpoints that the command calls, such as `GET /api/leases/{id}`; absent if it calls none. A RequestRow needs
   * no such list, because it has a method and a path. A test compares all endpoints with the routes of the server.
   */
  readonly endpoints?: readonly Endpoint[];
  readonly run: (args: Args, context: CommandContext) => Promise<number | CliFailure>;
}

export type CommandRow = RequestRow | LocalRow;
