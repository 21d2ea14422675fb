/**
 * A strict parser of Prometheus' text format, version 0.0.4. It follows the grammar of the scraper, and throws if a
 * scraper would refuse the text. Pure; the tests of the metrics share it.
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)\\})? (\\S+)$`);
const ONE_LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
  counter: [""],
  gauge: [""],
};
const ESCAPES: Readonly<Record<string, string>> = { '\\"': '"', "\\\\": "\\", "\\n": "\n" };

function parseSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`no sample: ${line}`);
  const [, name = "", labelText = "", digits = ""] = match;
  const value = digits === "+Inf" ? Number.POSITIVE_INFINITY : Number(digits);
  if (Number.isNaN(value) && digits !== "NaN") throw new Error(`no number: ${line}`);
  const labels: Record<string, string> = {};
  for (const [, key = "", text = ""] of labelText.matchAll(ONE_LABEL)) {
    if (Object.hasOwn(labels, key)) throw new Error(`a label twice: ${line}`);
    labels[key] = text.replace(/\\["\\n]/g, (escape) => ESCAPES[escape] ?? escape);
  }
  return { name, labels, value };
}

/** Checks that the buckets of one set of labels never decrease, and that the last one counts everything. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<string, { readonly buckets: Sample[]; count: number | undefined }>();
  for (const sample of samples) {
    const { le: _le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    const one = series.get(key) ?? { buckets: [], count: undefined };
    series.set(key, one);
    if (sample.name === `${name}_bucket`) one.buckets.push(sample);
    if (sample.name === `${name}_count`) one.count = sample.value;
  }
  for (const { buckets, count } of series.values()) {
    const bounds = buckets.map(({ labels }) =>
      labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"]),
    );
    const rises = buckets.every(
      ({ value }, at) =>
        at === 0 || (value >= (buckets[at - 1]?.value ?? 0) && (bounds[at] ?? 0) > (bounds[at - 1] ?? 0)),
    );
    if (!rises || bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== count)
      throw new Error(`histogram ${name} is inconsistent`);
  }
}

/** Parses a text. Returns the metric families by name. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line must end");
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current = "";
  let help = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const helped = HELP.exec(line);
    const typed = TYPE.exec(line);
    if (helped !== null) {
      current = helped[1] ?? "";
      help = helped[2] ?? "";
      if (families.has(current)) throw new Error(`family ${current} twice`);
    } else if (typed !== null) {
      if (typed[1] !== current) throw new Error(`type without help: ${line}`);
      families.set(current, { type: typed[2] ?? "", help, samples: [] });
    } else {
      const sample = parseSample(line);
      const family = families.get(current);
      if (family === undefined || !(SUFFIXES[family.type] ?? []).some((suffix) => sample.name === current + suffix))
        throw new Error(`sample out of its family: ${line}`);
      const identity = `${sample.name}${JSON.stringify(sample.labels)}`;
      if (seen.has(identity)) throw new Error(`sample twice: ${line}`);
      seen.add(identity);
      family.samples.push(sample);
    }
  }
  for (const [name, { type, samples }] of families) if (type === "histogram") checkHistogram(name, samples);
  return families;
}
