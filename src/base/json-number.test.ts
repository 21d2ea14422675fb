/** Tests the comparison of numbers by their exact decimal value, against a model with BigInt. */
import * as fc from "fast-check";
import t from "tap";
import { jsonNumbersEqual } from "./json-number.js";

function both(a: string, b: string): boolean {
  const equal = jsonNumbersEqual(a, b);
  if (equal !== jsonNumbersEqual(b, a)) throw new Error(`${a} and ${b}: it depends on the order`);
  return equal;
}

t.test("the same value, written differently", (t) => {
  const cases: [string, string][] = [
    ["1", "1.0"],
    ["1e2", "100"],
    ["1E+2", "100.000"],
    ["100e-2", "1"],
    ["0", "-0"],
    ["0", "0.000e999999999999999"],
    ["-0.0", "0e-5"],
    ["0.1", "1e-1"],
    ["0.00120", "12e-4"],
    ["12345678901234567890", "1234567890123456789.0e1"],
    ["1e400", "10e399"],
    ["-1e-400", "-0.1e-399"],
    ["1e0005", "1e5"],
    ["1e999999999999999", "10e999999999999998"],
    ["1e-999999999999998", "10e-999999999999999"],
  ];
  for (const [a, b] of cases) t.ok(both(a, b), `${a} equals ${b}`);
  t.end();
});

t.test("values that a double cannot tell apart", (t) => {
  const cases: [string, string][] = [
    ["12345678901234567890", "12345678901234567891"],
    ["0.1", "0.1000000000000000000001"],
    ["1e400", "2e400"],
    ["1e400", "-1e400"],
    ["1e400", "1e401"],
    ["1e-400", "0"],
    ["1e-400", "-1e-400"],
    ["1e999999999999999", "1e999999999999998"],
    ["1", "10"],
    ["1", "-1"],
  ];
  for (const [a, b] of cases) t.notOk(both(a, b), `${a} differs from ${b}`);
  t.end();
});

t.test("compares as big integers do", (t) => {
  const digits = (maxLength: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom("0", "1", "9"), minLength: 1, maxLength });
  const number = fc.record({
    sign: fc.constantFrom("", "-"),
    whole: digits(4).map((text) => text.replace(/^0+(?=\d)/, "")),
    fraction: fc.option(digits(4), { nil: undefined }),
    exponent: fc.option(fc.integer({ min: -6, max: 6 }), { nil: undefined }),
  });
  /** The exact value times 10^20, as a BigInt. */
  const scale = ({
    sign,
    whole,
    fraction = "",
    exponent = 0,
  }: {
    sign: string;
    whole: string;
    fraction: string | undefined;
    exponent: number | undefined;
  }): bigint => BigInt(sign + whole + fraction) * 10n ** BigInt(20 + exponent - fraction.length);
  // Shift both exponents by the same huge amount. The model could not handle two huge exponents that differ.
  const shift = fc.constantFrom(0n, 400n, -400n, 10n ** 12n, -(10n ** 12n), 10n ** 15n - 7n, 7n - 10n ** 15n);
  const property = fc.property(number, number, shift, (a, b, shifted) => {
    const write = ({ sign, whole, fraction, exponent }: typeof a): string => {
      const sum = BigInt(exponent ?? 0) + shifted;
      const scaled = exponent === undefined && shifted === 0n ? "" : `e${sum}`;
      return `${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}${scaled}`;
    };
    return both(write(a), write(b)) === (scale(a) === scale(b));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5000 }));
  t.end();
});

t.test("exponents that no double holds", (t) => {
  t.notOk(both("1e9007199254740993", "1e9007199254740992"), "neighbours differ");
  t.notOk(both("10e9999999999999998", "1e9999999999999999"), "equal values differ if they are written differently");
  const nines = "9".repeat(1_000_000);
  t.ok(both(`1e${nines}`, `1e${nines}`), "a text equals itself");
  t.notOk(both(`1e${nines}`, `1e${nines.slice(1)}`), "a million digits are compared fast");
  t.end();
});

t.test("a million digits are compared fast", (t) => {
  t.ok(both(`1${"0".repeat(1_000_000)}`, "1e1000000"));
  t.notOk(both(`1${"0".repeat(999_999)}1`, "1e1000000"));
  t.end();
});
