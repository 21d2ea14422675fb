/**
 * Reads the shell examples of a page of the documents, and compares their output with that of a run. Masks ids, times
 * and other values that are different in each run. On the page, `…` stands for any text within a line.
 */

/** A command on the page, with the lines that it prints to stdout and stderr. */
export interface Example {
  /** The line number of the command on the page, counted from 1. */
  readonly line: number;
  readonly command: string;
  /** The first command of its block. */
  readonly first: string;
  readonly output: readonly string[];
  /** Whether the block's language is `sh`. The command is then the whole script. */
  readonly isScript?: boolean;
}

/**
 * Returns the scripts of a page, which are its blocks in the language `sh`. Each has the output that the next block
 * shows.
 */
export function readScripts(page: string): readonly Example[] {
  const blocks = page.matchAll(/^( *)```sh\n([^]*?)^ *```\n(?:\n```\n((?!\$ )[^]*?)^```$)?/gm);
  return [...blocks].map(({ index, 2: script = "", 3: output }) => ({
    line: page.slice(0, index).split("\n").length + 1,
    command: script.trimEnd(),
    first: script.split("\n", 1)[0] ?? "",
    output: output === undefined ? [] : output.trimEnd().split("\n"),
    isScript: true,
  }));
}

/** Whether a command continues in the next line, because a quote is open or the line ends with a backslash. */
function isOpen(command: string): boolean {
  const rest = command.replaceAll(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "");
  return /['"]/.test(rest) || rest.endsWith("\\");
}

/** Returns the commands of the blocks that begin with `$ `, in their order on the page. */
export function readExamples(page: string): readonly Example[] {
  const examples: { line: number; command: string; first: string; output: string[] }[] = [];
  let first = "";
  let isInside = false;
  let isShell = false;
  for (const [at, text] of page.split("\n").entries()) {
    if (text.startsWith("```")) {
      isInside = !isInside;
      isShell = false;
      continue;
    }
    if (!isInside) continue;
    if (text.startsWith("$ ")) {
      const command = text.slice("$ ".length);
      if (!isShell) first = command;
      isShell = true;
      examples.push({ line: at + 1, command, first, output: [] });
      continue;
    }
    const last = isShell ? examples.at(-1) : undefined;
    if (last === undefined) continue;
    if (last.output.length === 0 && isOpen(last.command)) last.command += `\n${text}`;
    else last.output.push(text);
  }
  return examples;
}

/** Splits a command line into words as a shell does. Only quotes are supported, because the page uses nothing else. */
export function splitWords(command: string): readonly string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
  );
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Matches values that are different in each run. Each has the text that replaces it. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/(\\?"token\\?":\\?")[0-9a-f]{32}/g, "$1<token>"],
  [/"cursor":"[^"]+"/g, '"cursor":"<cursor>"'],
  [/("checkout":\{"id":|"checkout":)"[0-9a-f]{16}"/g, '$1"<checkout>"'],
  [/"uptime":"[^"]+"/g, '"uptime":"<uptime>"'],
  [/"duration_ms":\d+/g, '"duration_ms":<ms>'],
  [/^Date: .*$/g, "Date: <date>"],
  [/(Set-Cookie: koor_session_)\d+=[^;]+/g, "$1<port>=<session>"],
  [/ until \d\d:\d\d UTC/g, " until <time>"],
  [/("p50"|"p95"):[\d.]+/g, "$1:<seconds>"],
  [/^(koor_\w+_(?:sum|count)) [\d.e-]+$/g, "$1 <number>"],
  [/("end":true.*"sha256":")[0-9a-f]{64}/g, "$1<hash>"],
];

function maskAllButIds(line: string): string {
  return MASKS.reduce((text, [pattern, by]) => text.replaceAll(pattern, by), line);
}

/** Replaces the values that are different in each run. */
export function mask(line: string): string {
  return maskAllButIds(line).replaceAll(UUID, "<uuid>");
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Whether a line of the page matches a printed line. */
export function isSameLine(ofPage: string, printed: string): boolean {
  const pattern = mask(ofPage).split("…").map(escapePattern).join(".*");
  return new RegExp(`^${pattern}$`, "s").test(mask(printed));
}

/**
 * Compares the lines of the page with the printed lines. Their order is ignored, because stdout and stderr are separate
 * streams. Returns the lines of each side that have no matching line, and the pairs of the others.
 */
export function compareLines(
  ofPage: readonly string[],
  printed: readonly string[],
): {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly pairs: readonly (readonly [ofPage: string, printed: string])[];
} {
  const left = [...printed];
  const missing: string[] = [];
  const pairs: (readonly [string, string])[] = [];
  for (const line of ofPage) {
    const at = left.findIndex((one) => isSameLine(line, one));
    if (at < 0) missing.push(line);
    else pairs.push([line, ...left.splice(at, 1)] as unknown as readonly [string, string]);
  }
  return { missing, unexpected: left, pairs };
}

/**
 * Maps the ids on the page to the ids of the run. An id is learned when both sides print one at the same place. Later
 * commands of the page use the id.
 */
export class PageIds {
  readonly #real = new Map<string, string>();

  /**
   * Learns the ids in two lines that differ only in masked values. Returns whether they agree with the known ids: the
   * same id on the page must always stand for the same id of the run.
   */
  learn(ofPage: string, printed: string): boolean {
    const onPage = ofPage.match(UUID) ?? [];
    const pattern = maskAllButIds(ofPage)
      .split("…")
      .map(escapePattern)
      .join(".*?")
      .replaceAll(UUID, `(${UUID.source})`);
    const [, ...real] = new RegExp(`^${pattern}$`, "s").exec(maskAllButIds(printed)) ?? [];
    let fits = true;
    for (const [at, id] of onPage.entries()) {
      const other = real[at];
      if (other === undefined) continue;
      const known = this.#real.get(id);
      if (known === undefined) fits &&= ![...this.#real.values()].includes(other);
      else fits &&= known === other;
      if (known === undefined) this.#real.set(id, other);
    }
    return fits;
  }

  /** Replaces the ids of the page in a command by those of the run. */
  toReal(command: string): string {
    return command.replaceAll(UUID, (id) => this.#real.get(id) ?? id);
  }
}
