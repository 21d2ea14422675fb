import t from "tap";
import type { RouterRow } from "../transport.js";
import { RowIndex } from "./row-index.js";

const row = (method: RouterRow["method"], pattern: string): RouterRow => ({ method, pattern, serve: () => undefined });

const ROWS = [
  row("GET", "/"),
  row("GET", "/api/state"),
  row("GET", "/api/state/*"),
  row("PUT", "/api/state/*"),
  row("GET", "/api/rules/:p0"),
  row("GET", "/api/rules/:p0/:p1"),
  row("GET", "/api/rules/:p0/check"),
  row("GET", "/api/instances/:p0"),
  row("POST", "/api/instances/register"),
  row("GET", "/api/:p0/one/:p2"),
  row("GET", "/api/two/:p1/three"),
];

const CASES: readonly (readonly [method: string, path: string, pattern: string | undefined])[] = [
  ["GET", "/", "/"],
  ["GET", "/api/state", "/api/state"],
  ["HEAD", "/api/state", "/api/state"],
  ["GET", "/api/state/", "/api/state/*"],
  ["GET", "/api/state/a", "/api/state/*"],
  ["PUT", "/api/state/a/b//c", "/api/state/*"],
  ["PUT", "/api/state", undefined],
  ["GET", "/api/rules/p", "/api/rules/:p0"],
  ["GET", "/api/rules/", undefined],
  ["GET", "/api/rules/p/", undefined],
  ["GET", "/api/rules/p/check", "/api/rules/:p0/check"],
  ["GET", "/api/rules/p/r", "/api/rules/:p0/:p1"],
  ["GET", "/api/rules/p/check/more", undefined],
  ["GET", "/api/instances/register", "/api/instances/:p0"],
  ["POST", "/api/instances/register", "/api/instances/register"],
  ["POST", "/api/instances/other", undefined],
  // The literal segments lead to no row here, so the search tries the parameter.
  ["GET", "/api/two/one/x", "/api/:p0/one/:p2"],
  ["GET", "/api/two/one/three", "/api/two/:p1/three"],
  ["GET", "api/state", undefined],
  ["OPTIONS", "*", undefined],
  ["PATCH", "/api/state/a", undefined],
  ["GET", "", undefined],
];

t.test("a request finds the row with the more literal segments", (t) => {
  const index = new RowIndex(ROWS);
  for (const [method, path, pattern] of CASES)
    t.equal(index.find(method, path)?.pattern, pattern, `${method} ${JSON.stringify(path)}`);
  t.end();
});
