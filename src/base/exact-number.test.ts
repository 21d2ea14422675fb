/**
 * Tests exact numbers. Checks which numbers keep their digits as they were written, and compares the decimal arithmetic
 * with that of BigInt.
 */
import * as fc from "fast-check";
import t from "tap";
import { compareNumbers, ExactNumber, isInteger, isMultipleOf, readExact, writeExact } from "./exact-number.js";

function read(text: string): unknown {
  return readExact(text, JSON.parse(text));
}

t.test("only numbers that a double cannot hold are exact", (t) => {
  for (const text of [
    "0",
    "-0",
    "19.99",
    "1e2",
    "1.0",
    "100000000000000000000",
    "1e308",
    "5e-324",
    "0.1000000000000000000",
  ])
    t.equal(typeof read(text), "number", text);
  for (const text of ["12345678901234567891", "0.12345678901234567891", "1e400", "-1e-400", "1e99999999999999999999"]) {
    const number = read(text) as ExactNumber;
    t.ok(number instanceof ExactNumber, text);
    t.equal(number.text, text);
    t.equal(JSON.stringify([number]), JSON.stringify([Number(text)]));
  }
  const json = String.raw`{"a\"1e400":"12345678901234567891 \\","__proto__":[12345678901234567891,{"b":"\\\""}]}`;
  const value = read(json) as Record<string, unknown>;
  t.same(Object.keys(value), ['a"1e400', "__proto__"]);
  t.equal(value['a"1e400'], "12345678901234567891 \\", "digits in a string are no number");
  t.ok((Object.values(value)[1] as unknown[])[0] instanceof ExactNumber);
  const long = "9".repeat(5000);
  t.equal(read(long), Number.POSITIVE_INFINITY, "a number that is too long is a double");
  t.equal((read(`["${"\\\\".repeat(1_000_000)}",1e400]`) as unknown[]).length, 2);
  t.end();
});

t.test("numbers are written with the digits with which they were read", (t) => {
  for (const text of [
    "12345678901234567891",
    '{"__proto__":[1e400,{"b":"\\"1e400"}],"a":0.12345678901234567891,"c":null}',
    '{"toJSON":1e400,"text":"x"}',
    '"text"',
  ])
    t.equal(writeExact(read(text)), text);
  t.end();
});

t.test("decimal arithmetic is that of integers", (t) => {
  const digits = fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n });
  const places = fc.integer({ min: 0, max: 30 });
  fc.assert(
    fc.property(digits, fc.bigInt({ min: 1n, max: 10n ** 6n }), digits, places, places, (factor, b, rest, p, q) => {
      const number = (value: bigint, power: number): ExactNumber => new ExactNumber(`${value}e-${power}`);
      const scale = (value: bigint, power: number): bigint => value * 10n ** BigInt(60 - power);
      const [a, divisor] = [factor * b + (rest % 2n), number(b, q)];
      const expected = scale(a, p) % scale(b, q) === 0n;
      if (isMultipleOf(number(a, p), divisor) !== expected) throw new Error(`${a}e-${p} of ${b}e-${q}`);
      const order = Math.sign(compareNumbers(number(a, p), number(rest, q)));
      const [one, other] = [scale(a, p), scale(rest, q)];
      if (order !== (one < other ? -1 : one > other ? 1 : 0)) throw new Error(`${a}e-${p} beside ${rest}e-${q}`);
    }),
    { numRuns: 500 },
  );
  for (const [value, divisor, expected] of [
    ["19.99", "0.01", true],
    ["0.075", "0.01", false],
    ["1e308", "0.01", true],
    ["1e308", "3e-5", false],
    ["1e-400", "0.01", false],
    ["1e99999999999999999999", "7", false],
    ["7e99999999999999999999", "7", true],
    ["-4.35", "0.01", true],
    ["0", "0.3", true],
  ] as const)
    t.equal(isMultipleOf(new ExactNumber(value), new ExactNumber(divisor)), expected, `${value} of ${divisor}`);
  t.ok(isInteger(new ExactNumber("1e400")));
  t.notOk(isInteger(new ExactNumber("12345678901234567890.5")));
  t.end();
});
