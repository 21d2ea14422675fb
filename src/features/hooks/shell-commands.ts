/**
 * Groups the words of a shell command into simple commands. Each simple command has a name, parameters, and the files
 * of its redirections. Commands are found in lists, pipes, subshells and substitutions, after prefixes such as `sudo`,
 * and in `sh -c "…"` and `eval`. Pure.
 */
import { HOOK_PATH_CHARACTERS_MAX, HOOK_SHELL_DEPTH_MAX, HOOK_SHELL_STEPS_MAX } from "../../../schemas/limits/hooks.js";
import { joinPath } from "./file-path.js";
import {
  type HereDocument,
  type ShellSteps,
  type ShellToken,
  type ShellWord,
  splitShellCommand,
} from "./shell-words.js";

/** A word of a command, and whether its meaning is known. */
export interface CommandWord extends ShellWord {
  /**
   * True if the word is literal, and no expansion or substitution precedes it among the words of its command. An
   * expansion may yield several words, or an option, and so change the meaning of the words after it. It changes
   * nothing for the file of a redirection.
   */
  readonly isCertain: boolean;
}

export interface ShellCommand {
  /** The name of the program, without its directory. */
  readonly name: CommandWord;
  readonly parameters: readonly CommandWord[];
  /** The files into which the command's output goes. */
  readonly outputs: readonly CommandWord[];
  /** The here-documents that the command reads: texts that are written in the shell command itself. */
  readonly documents: readonly string[];
  /** The values of the VARIABLES that are set for this command, or were exported before it. */
  readonly environment: ReadonlyMap<string, ShellWord>;
  /**
   * The directory in which the command runs, relative to the directory of the tool call. It is "" for the directory of
   * the call itself, and null if it is not known.
   */
  readonly directory: string | null;
  /**
   * True if the command runs in `directory` or not at all. After `cd a && `, the directory is certain. After `cd a; `,
   * it is not, because the `cd` may have failed.
   */
  readonly isDirectoryCertain: boolean;
}

/** A directory, and whether the commands after it certainly run there. */
interface Place {
  readonly directory: string | null;
  readonly isCertain: boolean;
}

const ASSIGNMENT = /^([A-Za-z_]\w*)=/;
/** The variables that change which files a command writes. */
const VARIABLES: ReadonlySet<string> = new Set(["GIT_DIR", "GIT_WORK_TREE"]);
/**
 * Programs and keywords that may precede a command and do not change which files it writes, such as `sudo` and `if`.
 */
const PREFIXES: ReadonlySet<string> = new Set([
  ...["sudo", "doas", "command", "builtin", "exec", "nohup", "time", "env", "nice", "ionice", "setsid", "stdbuf"],
  ...["timeout", "xargs", "busybox", "coproc"],
  ...["if", "then", "elif", "else", "while", "until", "do", "!", "{"],
]);
/** Options of prefixes that take their value as a separate word, as in `nice -n 5 make`. */
const VALUE_OPTIONS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["sudo", new Set(["-u", "-g", "-h", "-p", "-C", "-R", "-T", "-r", "-t", "-U"])],
  ["doas", new Set(["-u", "-C"])],
  ["exec", new Set(["-a"])],
  ["time", new Set(["-f", "-o"])],
  ["env", new Set(["-u"])],
  ["nice", new Set(["-n"])],
  ["ionice", new Set(["-c", "-n"])],
  ["stdbuf", new Set(["-i", "-o", "-e"])],
  ["timeout", new Set(["-k", "-s"])],
  ["xargs", new Set(["-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"])],
]);
const SHELLS: ReadonlySet<string> = new Set(["sh", "bash", "zsh", "dash", "ksh", "ash"]);
const SCRIPT_OPTION = /^-[a-z]*c$/;
/** These commands may change the shell's directory, so the directory of the commands after them is not certain. */
const DIRECTORY_COMMANDS: ReadonlySet<string> = new Set(["cd", "pushd", "popd", "chdir", "eval", "source", "."]);
const DURATION = /^[0-9.]+[smhd]?$/;

/** Finds the simple commands in several shell commands. Each shell command starts in the directory of the tool call. */
export function readShellCommands(texts: readonly string[]): ShellCommand[] {
  const found: ShellCommand[] = [];
  const steps = { left: HOOK_SHELL_STEPS_MAX };
  const place = { directory: "", isCertain: true };
  for (const text of texts) new CommandReader(found, steps, place, true, 0).read(text);
  return found;
}

class CommandReader {
  readonly #found: ShellCommand[];
  readonly #steps: ShellSteps;
  readonly #depth: number;
  /** False if the text itself has expansions that are not known. Its words are then not certain. */
  readonly #isKnown: boolean;
  #place: Place;
  /** The operator before the current command; "" at the start of the text. */
  #operator = "";
  /**
   * Whether a `cd` has changed the directory in the current list of `&&` and `|`: "now" if it is the last command. The
   * directory is certain until the end of the list.
   */
  #moved: "now" | "before" | null = null;
  /** False after an expansion in the current command (`CommandWord.isCertain`). */
  #isCertain = true;
  readonly #exported = new Map<string, ShellWord>();
  /** The states of the shells outside of the open subshells. A `cd` in a subshell has no effect after it. */
  readonly #outer: { readonly place: Place; readonly moved: "now" | "before" | null }[] = [];
  #words: CommandWord[] = [];
  #outputs: CommandWord[] = [];
  #documents: HereDocument[] = [];

  constructor(found: ShellCommand[], steps: ShellSteps, place: Place, isKnown: boolean, depth: number) {
    this.#found = found;
    this.#steps = steps;
    this.#place = place;
    this.#isKnown = isKnown;
    this.#depth = depth;
  }

  read(text: string): void {
    for (const token of splitShellCommand(text, this.#steps)) this.#readToken(token);
    this.#endCommand();
  }

  #readToken(token: ShellToken): void {
    if (token.kind === "operator") {
      this.#endCommand();
      this.#readOperator(token.text);
    } else if (token.kind === "document") this.#documents.push(token.document);
    else {
      const { word } = token;
      for (const commands of word.substituted ?? []) this.#readInner(commands, this.#isKnown);
      const isLiteral = this.#isKnown && word.isLiteral;
      if (token.kind === "output") {
        this.#outputs.push({ ...word, isCertain: isLiteral });
        return;
      }
      if (word.hasExpansion) this.#isCertain = false;
      this.#words.push({ ...word, isCertain: this.#isCertain && isLiteral });
    }
  }

  #readOperator(operator: string): void {
    if (operator === "(") {
      this.#outer.push({ place: this.#place, moved: this.#moved });
      this.#moved = null;
    } else if (operator === ")") {
      const outer = this.#outer.pop();
      if (outer !== undefined) [this.#place, this.#moved] = [outer.place, outer.moved];
    } else if (this.#moved !== null && operator !== "&&" && !(operator === "|" && this.#moved === "before")) {
      // The `cd` may have failed, or may have run in a pipe, where it has no effect.
      this.#place = { ...this.#place, isCertain: false };
      this.#moved = null;
    }
    this.#operator = operator;
  }

  /** Reads commands that run in a shell inside this one, in the present directory. */
  #readInner(text: string, isKnown: boolean): void {
    if (this.#depth < HOOK_SHELL_DEPTH_MAX)
      new CommandReader(this.#found, this.#steps, this.#place, isKnown, this.#depth + 1).read(text);
  }

  #endCommand(): void {
    const words = this.#words;
    const [outputs, documents] = [this.#outputs, this.#documents];
    this.#words = [];
    this.#outputs = [];
    this.#documents = [];
    this.#isCertain = true;
    const environment = new Map(this.#exported);
    const start = skipPrefixes(words, environment);
    const first = words[start];
    if (first === undefined && outputs.length === 0) return;
    // A redirection without a command creates or empties its file.
    const name = first ?? { text: "", isLiteral: true, hasExpansion: false, isCertain: this.#isKnown };
    const command: ShellCommand = {
      name: { ...name, text: baseName(name.text) },
      parameters: words.slice(start + 1),
      outputs,
      documents: documents.map(({ text }) => text),
      environment,
      directory: this.#place.directory,
      isDirectoryCertain: this.#place.isCertain,
    };
    this.#found.push(command);
    this.#follow(command);
  }

  /**
   * Records the effects of a command on later commands: a changed directory, and exported variables. If the command
   * runs a shell, also reads the shell's script.
   */
  #follow(command: ShellCommand): void {
    const { name, parameters } = command;
    if (this.#moved !== null) this.#moved = "before";
    // A command whose name is a variable is nearly always a program, and a program cannot change the shell's directory.
    // The paths after it are not certain nevertheless.
    if (!name.isLiteral) this.#place = { ...this.#place, isCertain: false };
    else if (name.text === "eval") this.#readInner(parameters.map(({ text }) => text).join(" "), this.#isKnown);
    else if (name.text === "export") for (const word of parameters) addAssignment(word, this.#exported);
    else if (SHELLS.has(name.text)) this.#readScripts(command);
    if (name.isLiteral && DIRECTORY_COMMANDS.has(name.text)) this.#move(command);
  }

  /** Records the directory after a command that may change it. */
  #move({ name, parameters }: ShellCommand): void {
    const { directory, isCertain } = this.#place;
    const target = parameters.find(({ text }) => !text.startsWith("-"));
    const isKnown = name.text === "cd" && target?.isLiteral === true && directory !== null;
    const next = isKnown ? joinPath(directory, target.text) : null;
    if (next === null || next.length > HOOK_PATH_CHARACTERS_MAX) {
      this.#place = { directory: null, isCertain: false };
      return;
    }
    // After `a || cd b`, the directory may be either of the two. After `a | cd b`, it has not changed.
    const hasMoved = !["||", "|", "|&"].includes(this.#operator) && target?.isCertain === true;
    this.#moved = hasMoved ? "now" : null;
    this.#place = { directory: next, isCertain: isCertain && hasMoved };
  }

  /** Reads the commands that a shell runs: the text after its option `-c`, or its here-documents. */
  #readScripts({ name, parameters, documents }: ShellCommand): void {
    const option = parameters.findIndex(({ text }) => SCRIPT_OPTION.test(text));
    const script = option < 0 ? undefined : parameters[option + 1];
    if (script !== undefined) this.#readInner(script.text, script.isCertain);
    else if (option < 0) for (const text of documents) this.#readInner(text, name.isCertain);
  }
}

/**
 * Returns the index of the word that names the program, after assignments and prefixes.
 * @param environment gets the assignments
 */
function skipPrefixes(words: readonly CommandWord[], environment: Map<string, ShellWord>): number {
  let at = 0;
  let prefix = "";
  for (; at < words.length; at++) {
    const word = words[at] as CommandWord;
    if (addAssignment(word, environment)) continue;
    if (prefix !== "" && word.text.startsWith("-")) {
      if (VALUE_OPTIONS.get(prefix)?.has(word.text) === true) at++;
      continue;
    }
    if (prefix === "timeout" && DURATION.test(word.text)) continue;
    if (!word.isLiteral || !PREFIXES.has(word.text)) break;
    prefix = word.text;
  }
  return at;
}

/** Returns whether a word is an assignment (`A=1`). If the variable is one of VARIABLES, adds it to `environment`. */
function addAssignment(word: ShellWord, environment: Map<string, ShellWord>): boolean {
  const name = ASSIGNMENT.exec(word.text)?.[1];
  if (name === undefined) return false;
  if (VARIABLES.has(name)) environment.set(name, { ...word, text: word.text.slice(name.length + 1) });
  return true;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
