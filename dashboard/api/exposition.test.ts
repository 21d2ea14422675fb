/** Parsing a scrape: names, labels with escapes, numbers, and malformed lines. */
import t from "tap";
import { parseExposition, readNumber } from "./exposition.js";

t.test("samples are found by name", (t) => {
  const samples = parseExposition(
    [
      "# HELP pond_fish Fish in it.",
      "# TYPE pond_fish gauge",
      "pond_fish 3",
      "# TYPE pond_depth histogram",
      'pond_depth_bucket{side="north",le="0.5"} 2',
      'pond_depth_bucket{side="north",le="+Inf"} 4',
      'pond_depth_sum{side="north"} 1.5e-3',
      "",
    ].join("\n"),
  );
  t.same(samples.get("pond_fish"), [{ labels: {}, value: 3 }]);
  t.same(samples.get("pond_depth_bucket"), [
    { labels: { side: "north", le: "0.5" }, value: 2 },
    { labels: { side: "north", le: "+Inf" }, value: 4 },
  ]);
  t.same(samples.get("pond_depth_sum")?.[0]?.value, 0.0015);
  t.equal(samples.get("pond_frogs"), undefined, "an unknown name");
  t.end();
});

t.test("labels may have any characters", (t) => {
  const samples = parseExposition('pond_fish{kind="a\\"b\\\\c\\nd, e=\\"f\\"}",side=""} 1\n');
  t.same(samples.get("pond_fish")?.[0]?.labels, { kind: 'a"b\\c\nd, e="f"}', side: "" });
  t.end();
});

t.test("numbers are parsed in every notation", (t) => {
  for (const [text, value] of [
    ["0", 0],
    ["-1.5", -1.5],
    ["2.5e+10", 2.5e10],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["-Inf", Number.NEGATIVE_INFINITY],
  ] as const)
    t.equal(readNumber(text), value, text);
  t.ok(Number.isNaN(readNumber("NaN")));
  for (const text of ["", "1,5", "0x10", "Infinity", "1 2", "toString"]) t.throws(() => readNumber(text), text);
  t.end();
});

t.test("malformed text throws", (t) => {
  for (const text of [
    "pond_fish 3",
    "pond_fish\n",
    "pond_fish three\n",
    "pond_fish{kind=carp} 3\n",
    'pond_fish{kind="carp} 3\n',
    'pond_fish{kind="carp"}3\n',
    '<!doctype html>\n<html lang="en">\n',
  ])
    t.throws(() => parseExposition(text), text);
  t.equal(parseExposition("\n").size, 0);
  t.end();
});
