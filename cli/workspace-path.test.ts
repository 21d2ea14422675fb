/** Tests the conversion of file paths to paths relative to a workspace's root, on POSIX and on Windows. */
import path from "node:path";
import t from "tap";

import { CliFailure } from "./failure.js";
import { type PathContext, workspacePath, workspaceResource } from "./workspace-path.js";

const same = (absolute: string): string => absolute;
const POSIX: PathContext = {
  flavour: path.posix,
  root: "/home/ana/trucks",
  folder: "/home/ana/trucks/src",
  resolveLinks: (absolute) => absolute.replace(/^\/link/, "/home/ana/trucks"),
};
const WINDOWS: PathContext = {
  flavour: path.win32,
  root: "C:\\proj",
  folder: "C:\\proj\\src",
  resolveLinks: same,
};

t.test("a path becomes relative to the root, with slashes", (t) => {
  for (const [place, given, expected] of [
    [POSIX, "src/a.ts", "src/a.ts"],
    [POSIX, "./a.ts", "src/a.ts"],
    [POSIX, "../docs/./b.md", "docs/b.md"],
    [POSIX, ".", "src"],
    [POSIX, "..", "**"],
    [POSIX, "/home/ana/trucks/src/a.ts", "src/a.ts"],
    [POSIX, "/home/ana/trucks/src/**/*.ts", "src/**/*.ts"],
    [POSIX, "/home/ana/trucks", "**"],
    [POSIX, "/link/src/a.ts", "src/a.ts"],
    [POSIX, "src/a\\*b", "src/a\\*b"],
    [POSIX, "..a/b", "..a/b"],
    [WINDOWS, "src\\a.ts", "src/a.ts"],
    [WINDOWS, "src/a.ts", "src/a.ts"],
    [WINDOWS, ".\\a.ts", "src/a.ts"],
    [WINDOWS, "..\\docs\\b.md", "docs/b.md"],
    [WINDOWS, "C:\\proj\\src\\a.ts", "src/a.ts"],
    [WINDOWS, "c:/PROJ/src/a.ts", "src/a.ts"],
    [WINDOWS, "C:\\proj\\src\\**", "src/**"],
    [WINDOWS, "\\proj\\src\\a.ts", "src/a.ts"],
  ] as const)
    t.equal(workspacePath(given, place), expected, given);
  t.end();
});

t.test("a path outside of the root is wrong usage", (t) => {
  for (const [place, given] of [
    [POSIX, "/home/ana/other/a.ts"],
    [POSIX, "/home/ana/trucks2/a.ts"],
    [POSIX, "../../a.ts"],
    [WINDOWS, "D:\\proj\\a.ts"],
    [WINDOWS, "C:\\other\\a.ts"],
    [WINDOWS, "\\\\host\\share\\a.ts"],
    [WINDOWS, "..\\..\\a.ts"],
  ] as const) {
    const failure = workspacePath(given, place);
    t.match(failure, { exit: 2, message: `${given} is outside of the workspace ${place.root}` });
    t.ok(workspaceResource(`path:${given}`, place) instanceof CliFailure, `path:${given}`);
  }
  t.end();
});

t.test("only paths change among resources", (t) => {
  for (const [place, given, expected] of [
    [POSIX, "path:./a.ts", "path:src/a.ts"],
    [POSIX, "./a.ts", "path:src/a.ts"],
    [POSIX, "/home/ana/trucks/a.ts", "path:a.ts"],
    [POSIX, "src/a.ts", "src/a.ts"],
    [POSIX, "state:./a", "state:./a"],
    [POSIX, "deploy", "deploy"],
    [WINDOWS, "path:src\\a.ts", "path:src/a.ts"],
    [WINDOWS, "C:\\proj\\a.ts", "path:a.ts"],
    [WINDOWS, "state:a\\*b", "state:a\\*b"],
  ] as const)
    t.equal(workspaceResource(given, place), expected, given);
  t.end();
});
