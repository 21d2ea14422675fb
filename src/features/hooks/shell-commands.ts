/**
 * Groups the words of a shell command into simple commands. Each simple command has a name, parameters, and the files
 * of its redirections. Commands are found in lists, pipes and subshells, after prefixes such as `sudo`, and in `sh -c
 * "…"`. Pure.
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
   * True if the word is literal and no expansion, substitution or `cd` precedes it. Only then is a relative path in the
   * word known to start at the directory of the call.
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
}

const ASSIGNMENT = /^([A-Za-z_]\w*)=/;
/** The variables that change which files a command writes. */
const VARIABLES: ReadonlySet<string> = new Set(["GIT_DIR", "GIT_WORK_TREE"]);
/**
 * Programs and keywords that may precede a command and do not change which files it writes, such as `sudo` and `if`.
 */
const PREFIXES: ReadonlySet<string> = new Set([
  ...["sudo", "command", "builtin", "exec", "nohup", "time", "env", "nice", "setsid", "stdbuf", "timeout"],
  ...["if", "then", "elif", "else", "while", "until", "do", "!", "{"],
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
  for (const text of texts) new CommandReader(found, steps, "", true, 0).read(text);
  return found;
}

class CommandReader {
  readonly #found: ShellCommand[];
  readonly #steps: ShellSteps;
  readonly #depth: number;
  #directory: string | null;
  /** False after an expansion or a `cd`: the words after it are not certain (`CommandWord.isCertain`). */
  #isCertain: boolean;
  readonly #exported = new Map<string, ShellWord>();
  /** The directories of the open subshells. A `cd` in a subshell has no effect after it. */
  readonly #outer: (string | null)[] = [];
  #words: CommandWord[] = [];
  #outputs: CommandWord[] = [];
  #documents: HereDocument[] = [];

  constructor(found: ShellCommand[], steps: ShellSteps, directory: string | null, isCertain: boolean, depth: number) {
    this.#found = found;
    this.#steps = steps;
    this.#directory = directory;
    this.#isCertain = isCertain;
    this.#depth = depth;
  }

  read(text: string): void {
    for (const token of splitShellCommand(text, this.#steps)) this.#readToken(token);
    this.#endCommand();
  }

  #readToken(token: ShellToken): void {
    if (token.kind === "operator") {
      this.#endCommand();
      if (token.text === "(") this.#outer.push(this.#directory);
      else if (token.text === ")" && this.#outer.length > 0) this.#directory = this.#outer.pop() ?? null;
    } else if (token.kind === "document") this.#documents.push(token.document);
    else {
      const { word } = token;
      if (word.hasExpansion) this.#isCertain = false;
      const known: CommandWord = { ...word, isCertain: this.#isCertain && word.isLiteral };
      (token.kind === "word" ? this.#words : this.#outputs).push(known);
    }
  }

  #endCommand(): void {
    const words = this.#words;
    const [outputs, documents] = [this.#outputs, this.#documents];
    this.#words = [];
    this.#outputs = [];
    this.#documents = [];
    const environment = new Map(this.#exported);
    const start = skipPrefixes(words, environment);
    const first = words[start];
    if (first === undefined && outputs.length === 0) return;
    // A redirection without a command creates or empties its file.
    const name = first ?? { text: "", isLiteral: true, hasExpansion: false, isCertain: this.#isCertain };
    const command: ShellCommand = {
      name: { ...name, text: baseName(name.text) },
      parameters: words.slice(start + 1),
      outputs,
      documents: documents.map(({ text }) => text),
      environment,
      directory: this.#directory,
    };
    this.#found.push(command);
    this.#follow(command);
  }

  /**
   * Records the effects of a command on later commands: a changed directory, and exported variables. If the command
   * runs a shell, also reads the shell's script.
   */
  #follow(command: ShellCommand): void {
    const { name, parameters, directory } = command;
    // A command whose name is a variable is nearly always a program, and a program cannot change the shell's directory.
    if (!name.isLiteral) return;
    if (DIRECTORY_COMMANDS.has(name.text)) {
      this.#isCertain = false;
      const target = parameters.find(({ text }) => !text.startsWith("-"));
      const isKnown = name.text === "cd" && target?.isLiteral === true && directory !== null;
      const next = isKnown ? joinPath(directory, target.text) : null;
      this.#directory = next !== null && next.length <= HOOK_PATH_CHARACTERS_MAX ? next : null;
    } else if (name.text === "export") {
      for (const word of parameters) addAssignment(word, this.#exported);
    } else if (SHELLS.has(name.text) && this.#depth < HOOK_SHELL_DEPTH_MAX) {
      this.#readScripts(command);
    }
  }

  /** Reads the commands that a shell runs: the text after its option `-c`, or its here-documents. */
  #readScripts({ name, parameters, documents, directory }: ShellCommand): void {
    const option = parameters.findIndex(({ text }) => SCRIPT_OPTION.test(text));
    const script = option < 0 ? undefined : parameters[option + 1];
    const read = (text: string, isCertain: boolean): void =>
      new CommandReader(this.#found, this.#steps, directory, isCertain, this.#depth + 1).read(text);
    if (script !== undefined) read(script.text, script.isCertain);
    else if (option < 0) for (const text of documents) read(text, name.isCertain);
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
    const isOption = prefix !== "" && word.text.startsWith("-");
    const isDuration = prefix === "timeout" && DURATION.test(word.text);
    if (isOption || isDuration) continue;
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
