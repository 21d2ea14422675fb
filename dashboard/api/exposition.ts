/**
 * Parses Prometheus' text format, version 0.0.4, as `/metrics` returns it, into samples by metric name. A malformed
 * line throws, so that no wrong figure is shown. Types and help are skipped, and the grouping of lines into families is
 * not checked: test/support/exposition.ts checks the server for that. Pure.
 */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by metric name, in order. A histogram's samples are under `_bucket`, `_sum` and `_count`. */
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
 * Parses a sample value.
 * @throws Error if the text is not a number
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
 * Parses a scrape into samples by name.
 * @throws Error at the first malformed line
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
