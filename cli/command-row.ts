/**
 * Types of the rows of the command table. A row states everything special about a command. Parsing, help, the request,
 * output and exit codes are derived from it. command-line.ts parses, and run-command.ts executes. Types only.
 */
import type { CliFailure, ExitCode } from "./failure.js";
import type { Settings } from "./settings.js";

export interface Argument {
  /** The name in `Args`, in path templates and in the usage. */
  readonly name: string;
  /** The text that the usage shows instead of the name, such as the allowed words. */
  readonly shown?: string;
  readonly optional?: true;
  /** One or more values, read with `Args.list`. It is the last argument before a command. */
  readonly many?: true;
  /** All words after `--`, unchanged, read with `Args.list`: a command with its arguments. It is the last argument. */
  readonly afterDashes?: true;
}

/**
 * `text`: any value; `whole`: digits only; `duration`: `90s`, `10m` (duration.ts); `seconds`: digits or a duration,
 * sent in seconds; `time`: a point in time, or a duration before or after now; `switch`: no value. A name takes a value
 * in every command or in none.
 */
export type FlagKind = "text" | "whole" | "duration" | "seconds" | "time" | "switch";

export interface Flag {
  /** The name without its dashes. */
  readonly name: string;
  readonly kind: FlagKind;
  /** The placeholder of the value in the usage, such as `N`; absent for a switch. */
  readonly value?: string;
  readonly about: string;
  readonly required?: true;
  /** The flag may be repeated. All values are read with `Args.list`. */
  readonly many?: true;
  /** For a `time`: a duration counts forward from now instead of back. */
  readonly ahead?: true;
  /** The value may be omitted; it is "" then. */
  readonly value_optional?: true;
  /** The query parameter that carries the value; absent if the row's functions use it. */
  readonly query?: string;
}

/** The flags and arguments of a command line, by name. */
export interface Args {
  text(name: string): string | undefined;
  /** Reads a required argument or flag. A command line without it has already been refused. */
  need(name: string): string;
  has(name: string): boolean;
  /** Reads a flag that is a duration, in ms. */
  duration(name: string): number | undefined;
  /** Reads an argument or a flag that may have many values. */
  list(name: string): readonly string[];
}

/** The context of a command besides its arguments. */
export interface CommandContext {
  /** The program's name as it was called, for usage lines. */
  readonly program: string;
  readonly settings: () => Settings | CliFailure;
  readonly folder: string;
  readonly pretty: boolean;
}

interface Described {
  /** The words that name the command: a noun and usually a verb. */
  readonly words: readonly [string, ...string[]];
  /** One sentence that describes the command. */
  readonly about: string;
  readonly arguments?: readonly Argument[];
  readonly flags?: readonly Flag[];
  /** The flags of which exactly one must be given. */
  readonly one_of?: readonly [string, ...string[]];
}

/** A command that sends one request and prints its answer to stdout. */
export interface RequestRow extends Described {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /**
   * The path template. `{name}` is a percent-encoded argument. In `{name...}` all slashes stay separators, in `{name/}`
   * only the first one does.
   */
  readonly path: string;
  /** Query parameters in addition to those of the flags. */
  readonly query?: (args: Args, context: CommandContext) => Readonly<Record<string, string>> | CliFailure;
  readonly headers?: (args: Args, context: CommandContext) => Readonly<Record<string, string>>;
  readonly body?: (args: Args, context: CommandContext) => Promise<Buffer | CliFailure>;
  /** The body's media type, used if no header states it. */
  readonly typeOf?: (body: Buffer) => string;
  /**
   * Whether a request other than GET is idempotent, so that it may be sent again (exchange.ts): always, or depending on
   * the arguments. If absent, repeating it might execute it twice.
   */
  readonly repeatable?: true | ((args: Args) => boolean);
  /** The request asks for the server's own status, not for its data. */
  readonly about_server?: true;
  /** `raw` prints the bytes as they come; absent: JSON on one line. */
  readonly answer?: "raw";
  /**
   * Called with a successful answer. Returns the text to print: the answer, or other JSON in its place if the arguments
   * direct the answer elsewhere.
   */
  readonly onAnswer?: (answer: Buffer, args: Args, context: CommandContext) => Buffer | CliFailure;
  /** The exit code for a successful answer, if it can be other than 0. The answer is printed in any case. */
  readonly exit?: (answer: Buffer) => ExitCode;
}

/**
 * A command that is not a single request. It prints its own output. Its exit code may be that of a program that it ran.
 */
export interface LocalRow extends Described {
  readonly run: (args: Args, context: CommandContext) => Promise<number | CliFailure>;
}

export type CommandRow = RequestRow | LocalRow;
