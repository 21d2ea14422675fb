/**
 * The types of the command table. One row declares everything that is specific to a command. Parsing, help, the
 * request, the output and the exit codes are derived from the row. command-line.ts parses, and run-command.ts executes.
 * Types only.
 */
import type { CliFailure, ExitCode } from "./failure.js";
import type { ListName } from "./output/lists.js";
import type { Settings } from "./settings.js";
import type { View } from "./view.js";

/** The kinds of names that completion can list. complete/sources.ts has the source of each kind. */
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
   * The argument takes one or more values, or any number if it is optional. `Args.list` returns them. Only a command
   * after `--` may follow this argument.
   */
  readonly many?: true;
  /**
   * The argument takes all words after `--` unchanged: a command with its arguments. `Args.list` returns them. It must
   * be the last argument.
   */
  readonly afterDashes?: true;
  /** The values that completion offers. If absent, completion offers none. */
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
  /** The placeholder of the value in the usage line, such as `N`; absent for a flag without a value. */
  readonly value?: string;
  readonly about: string;
  readonly required?: true;
  /** The flag may be given several times. `Args.list` returns all values. */
  readonly many?: true;
  /** Only for the kind `time`: a duration means a time in the future. If absent, it means a time in the past. */
  readonly ahead?: true;
  /** The flag may be given without a value. Its value is then "". */
  readonly valueOptional?: true;
  /** The query parameter that carries the value; absent if the row's own functions use the value. */
  readonly query?: string;
  /** The values that completion offers. If absent, completion offers none. */
  readonly values?: Values;
}

/** The values of the flags and arguments of a command line, by name. */
export interface Args {
  text(name: string): string | undefined;
  /**
   * Returns the value of a required argument or flag. It always exists: a command line without it was refused before.
   */
  need(name: string): string;
  has(name: string): boolean;
  /** Returns the value of a flag that is a duration, in ms. */
  duration(name: string): number | undefined;
  /** Returns all values of an argument or flag that may have several. */
  list(name: string): readonly string[];
}

/** The environment in which a command runs, in addition to its arguments. */
export interface CommandContext extends View {
  /** The name with which the program was called, for usage lines. */
  readonly program: string;
  readonly settings: () => Settings | CliFailure;
  readonly folder: string;
  /** The value of `--server`; "" if it is not given. Commands that call the server use `settings`. */
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
  /** The name of the list in the command's answer. output/lists.ts has its columns. */
  readonly list?: ListName;
  readonly arguments?: readonly Argument[];
  readonly flags?: readonly Flag[];
  /** Flags of which exactly one must be given. */
  readonly oneOf?: readonly [string, ...string[]];
}

/** A command that sends one request and prints its answer to stdout. */
export interface RequestRow extends Described {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /**
   * The path template. `{name}` is replaced by the percent-encoded argument. In `{name...}`, all slashes of the
   * argument stay separators. In `{name/}`, only the first slash does.
   */
  readonly path: string;
  /** Returns the query parameters that are sent in addition to those of the flags. */
  readonly query?: (args: Args, context: CommandContext) => Readonly<Record<string, string>> | CliFailure;
  readonly headers?: (args: Args, context: CommandContext) => Readonly<Record<string, string>> | CliFailure;
  readonly body?: (args: Args, context: CommandContext) => Promise<Buffer | CliFailure>;
  /** Returns the media type of the body. It is used if the row's headers state none. */
  readonly typeOf?: (body: Buffer) => string;
  /**
   * Whether the request may be sent again because it is idempotent (exchange.ts). GET always may. A function decides by
   * the arguments. Absent if a repeated request could be executed twice.
   */
  readonly repeatable?: true | ((args: Args) => boolean);
  /** Whether the request asks for the status of the server, not for its data. */
  readonly aboutServer?: true;
  /** `raw` prints the bytes of the answer unchanged. If absent, the answer is printed as one line of JSON. */
  readonly answer?: "raw";
  /**
   * Called with a successful answer. Returns the text to print, which is usually the answer. If the arguments send the
   * answer elsewhere, for example to a file, it returns other JSON.
   */
  readonly onAnswer?: (answer: Buffer, args: Args, context: CommandContext) => Buffer | CliFailure;
  /**
   * Returns the exit code for a successful answer, if the command may exit with a code other than 0. The answer is
   * printed in any case.
   */
  readonly exit?: (answer: Buffer) => ExitCode;
}

/**
 * A command that sends no request or more than one. It prints its own output. If it runs a program, its exit code may
 * be the program's.
 */
export interface LocalRow extends Described {
  /**
   * The endpoints to which it sends requests, such as `GET /api/leases/{id}`; absent if it calls none. A RequestRow
   * names its endpoint by its method and path. A test compares all endpoints with the routes of the server.
   */
  readonly endpoints?: readonly Endpoint[];
  readonly run: (args: Args, context: CommandContext) => Promise<number | CliFailure>;
}

export type CommandRow = RequestRow | LocalRow;
