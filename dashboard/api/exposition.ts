/**
 * Reads Prometheus' text format, version 0.0.4, as `/metrics` has it: samples by the name of their metric. It throws
 * at a line that is none of the format, so that no figure is shown that was not said. Types and help are left out, as
 * is what lies between the lines of a family: test/support/exposition.ts holds the server to that. Pure.
 */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples in their order by the metric's name; a histogram's are under `_bucket`, `_sum` and `_count`. */
export type Exposition = ReadonlyMap<string, readonly Sample[]>;

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\]|\\\\["\\\\n])*"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\S+)$`);
const ONE_LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NO_NUMBERS: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["+Inf", Number.POSITIVE_INFINITY],
  ["-Inf", Number.NEGATIVE_INFINITY],
]);

/**
 * The value that a text stands for.
 * @throws Error where it stands for none
 */
export function readNumber(text: string): number {
  const value = NUMBER.test(text) ? Number(text) : NO_NUMBERS.get(text);
  if (value === undefined) throw new Error(`not a number: ${text}`);
  return value;
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(ONE_LABEL))
    labels[name] = value.replace(/\\(.)/g, (_escape, letter: string) => (letter === "n" ? "\n" : letter));
  return labels;
}

/**
 * Samples by name.
 * @throws Error at the first line that is not of the format
 */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the metrics are cut off");
  const samples = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const match = SAMPLE.exec(line);
    if (match === null) throw new Error(`not a sample: ${line}`);
    const [, name = "", labels = "", value = ""] = match;
    const of_name = samples.get(name);
    const sample = { labels: readLabels(labels), value: readNumber(value) };
    if (of_name === undefined) samples.set(name, [sample]);
    else of_name.push(sample);
  }
  return samples;
}
