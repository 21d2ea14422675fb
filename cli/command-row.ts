/**
 * The shape of one row of the table of commands. A row says all that is special about a command; what
 * commands have in common (parsing, help, the request, the output, exit codes) is built from it.
 * Types only. Runs nowhere; leaves parsing to parse.ts and execution to run-command.ts.
 */
import type { CliFailure, ExitCode } from "./failure.js";
import type { Settings } from "./settings.js";

export interface Argument {
  /** The name by which `Args` and path templates know it; shown in the usage. */
  readonly name: string;
  /** Shown in its stead, e.g. the words that it may be. */
  readonly shown?: string;
  readonly optional?: true;
  /** One or more of them, by `Args.list`; it is the last one before a command. */
  readonly many?: true;
  /** Everything behind `--`, untouched, by `Args.list`: a command with its own arguments. The last one. */
  readonly afterDashes?: true;
}

/**
 * `text`: any value; `whole`: digits only; `duration`: `90s`, `10m` (duration.ts); `seconds`: digits or a duration,
 * handed on in seconds; `time`: a point in time, or a duration before or after now; `switch`: takes no value. A name
 * takes a value in every command or in none.
 */
export type FlagKind = "text" | "whole" | "duration" | "seconds" | "time" | "switch";

export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly kind: FlagKind;
  /** What stands for the value in the usage, e.g. `N`; nothing for a switch. */
  readonly value?: string;
  readonly about: string;
  readonly required?: true;
  /** It may be given more than once; all of it by `Args.list`. */
  readonly many?: true;
  /** Of a `time`: a duration counts from now on, else back from now. */
  readonly ahead?: true;
  /** It may stand alone; its value is "" then. */
  readonly value_optional?: true;
  /** The query parameter that carries the value; absent where the row's functions use it instead. */
  readonly query?: string;
}

/** What was given on the command line, flags and arguments by name. */
export interface Args {
  text(name: string): string | undefined;
  /** For required arguments and flags: parse.ts has refused a command line without them. */
  need(name: string): string;
  has(name: string): boolean;
  /** A flag that is a duration, in ms. */
  duration(name: string): number | undefined;
  /** An argument or a flag of which there may be many. */
  list(name: string): readonly string[];
}

/** What a command may use beside its arguments. */
export interface CommandContext {
  /** The program's name as it was called, for usages. */
  readonly program: string;
  readonly settings: () => Settings | CliFailure;
  readonly folder: string;
  readonly pretty: boolean;
}

interface Described {
  /** The words that name the command: a noun and mostly a verb. */
  readonly words: readonly [string, ...string[]];
  /** One sentence. */
  readonly about: string;
  readonly arguments?: readonly Argument[];
  readonly flags?: readonly Flag[];
  /** Flags of which exactly one must be given. */
  readonly one_of?: readonly [string, ...string[]];
}

/** A command that is one request; its answer goes to stdout. */
export interface RequestRow extends Described {
  readonly method: "GET" | "PUT" | "POST" | "PATCH" | "DELETE";
  /**
   * `{name}` is an argument, percent-encoded; in `{name...}` its slashes stay separators, in `{name/}` the first
   * one.
   */
  readonly path: string;
  /** Query parameters beyond those of the flags. */
  readonly query?: (args: Args, context: CommandContext) => Readonly<Record<string, string>> | CliFailure;
  readonly headers?: (args: Args, context: CommandContext) => Readonly<Record<string, string>>;
  readonly body?: (args: Args, context: CommandContext) => Promise<Buffer | CliFailure>;
  /** The body's media type, where no header says it. */
  readonly typeOf?: (body: Buffer) => string;
  /**
   * Of what is no GET: sent again, it does and answers the same (exchange.ts), always or where the arguments make it
   * so; absent: it might be carried out twice.
   */
  readonly repeatable?: true | ((args: Args) => boolean);
  /** Asks how the server itself is, not for what it holds. */
  readonly about_server?: true;
  /** `raw`: the bytes as they come; absent: JSON, as one line. */
  readonly answer?: "raw";
  /**
   * Puts the answer elsewhere where the arguments say so; gives what is printed: the answer itself, or JSON in
   * its stead.
   */
  readonly onAnswer?: (answer: Buffer, args: Args, context: CommandContext) => Buffer | CliFailure;
  /** What an answer of success ends the command with, where it may not be 0: the answer is printed either way. */
  readonly exit?: (answer: Buffer) => ExitCode;
}

/** A command of another kind; it prints by itself. Its exit code may be that of a program which it ran. */
export interface LocalRow extends Described {
  readonly run: (args: Args, context: CommandContext) => Promise<number | CliFailure>;
}

export type CommandRow = RequestRow | LocalRow;
