/**
 * Reads the shell examples of a page of the documents, and compares their outputs with those of a run. Ids, times and
 * other values that differ from run to run are masked. The page is compared as it is printed: `…` stands for any text
 * of a line.
 */

/** One command of the page, with the lines that it prints to stdout and stderr. */
export interface Example {
  /** The number of the command's line on the page, from 1. */
  readonly line: number;
  readonly command: string;
  /** The first command of its block. */
  readonly first: string;
  readonly output: readonly string[];
  /** Whether it is a block in the language `sh`: the command is the whole script. */
  readonly isScript?: boolean;
}

/** Returns the scripts of a page, the blocks in the language `sh`, each with the output that the next block shows. */
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

/** Whether a command continues in the next line: a quote is open, or the line ends with a backslash. */
function isOpen(command: string): boolean {
  const rest = command.replaceAll(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "");
  return /['"]/.test(rest) || rest.endsWith("\\");
}

/** Returns the commands of the blocks that begin with `$ `, in the order of the page. */
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

/** Splits a command line into words as a shell does. Only quotes are known, because the page uses nothing else. */
export function splitWords(command: string): readonly string[] {
  return [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
  );
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Values that differ from run to run, each with the text that takes their place. */
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

/** Replaces the values that differ from run to run. */
export function mask(line: string): string {
  return maskAllButIds(line).replaceAll(UUID, "<uuid>");
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Whether a line of the page fits a printed one. */
export function isSameLine(ofPage: string, printed: string): boolean {
  const pattern = mask(ofPage).split("…").map(escapePattern).join(".*");
  return new RegExp(`^${pattern}$`, "s").test(mask(printed));
}

/**
 * Compares the lines of the page with the printed ones. stdout and stderr are separate streams, so their order does not
 * matter. Returns the lines of either side that have no partner, and the partners of the others.
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
 * Knows the ids of the page and those of the run. An id on the page becomes known where both print it at the same
 * place. Later commands of the page name it.
 */
export class PageIds {
  readonly #real = new Map<string, string>();

  /**
   * Learns the ids of two lines that are the same but for masked values. Returns whether the ids fit those that are
   * known: one of the page is always the same one of the run.
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

  /** Replaces the ids of the page in a command. */
  toReal(command: string): string {
    return command.replaceAll(UUID, (id) => this.#real.get(id) ?? id);
  }
}
