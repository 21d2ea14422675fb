/**
 * Parses the Prometheus text format, version 0.0.4, which `/metrics` returns. Returns the samples by metric name,
 * without types and help texts. A malformed line throws, so that no wrong figure is shown. Pure.
 *
 * It does not check that the lines of a metric family are together. test/support/exposition.ts checks the server for
 * that.
 */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * The samples by metric name, in the order of the text. A histogram has three names: the metric's name with `_bucket`,
 * `_sum` and `_count`.
 */
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
 * Parses the number of a sample.
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
 * Parses the text of a scrape into samples by metric name.
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
    const ofName = samples.get(name);
    const sample = { labels: readLabels(labels), value: readNumber(value) };
    if (ofName === undefined) samples.set(name, [sample]);
    else ofName.push(sample);
  }
  return samples;
}
