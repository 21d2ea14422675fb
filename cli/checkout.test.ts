/** Tests the checkout of a folder: its id, branch, root and machine, with real git repositories. */
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";

import { countedGit, git, gitEnvironment, makeRepository } from "../test/cli/git.js";
import { makeDirectory } from "../test/support/server-process.js";
import { findCheckout } from "./checkout.js";
import { findMachineId, ID_COMMANDS, idInOutput } from "./machine-id.js";

function setUp(t: Test) {
  const top = makeDirectory(t);
  const home = join(top, "home");
  mkdirSync(home);
  const counted = countedGit(join(top, "bin"));
  const environment = { ...gitEnvironment(home), PATH: counted.path };
  return { top, home, counted, find: (folder: string) => findCheckout(folder, environment) };
}

t.test("each working tree is a checkout, whatever folder of it a command runs in", (t) => {
  const { top, home, counted, find } = setUp(t);
  const main = makeRepository(home, join(top, "trück s"));
  const linked = join(main, ".claude", "worktrees", "x");
  git(home, main, "worktree", "add", "--quiet", "-b", "feature/größe", linked);
  mkdirSync(join(main, "src"));
  const [ofMain, ofLinked] = [find(main), find(linked)];
  t.match(ofMain, { id: /^[0-9a-f]{16}$/, branch: "main", root: main, machine: hostname() });
  t.match(ofLinked, { id: /^[0-9a-f]{16}$/, branch: "feature/größe", root: linked });
  t.not(ofMain.id, ofLinked.id);
  t.same(find(join(main, "src")), ofMain);
  symlinkSync(main, join(top, "link"));
  t.same(find(join(top, "link", "src")), ofMain, "through a symbolic link");
  t.same(find(join(main, ".git", "hooks")), ofMain, "in the repository's folder");
  git(home, main, "switch", "--quiet", "--create", "other");
  t.same(find(main), { ...ofMain, branch: "other" }, "the branch is no part of the id");
  git(home, main, "checkout", "--quiet", "--detach");
  t.same(find(main), { ...ofMain, branch: null }, "a detached HEAD");
  t.equal(find(linked).branch, "feature/größe");
  t.same(counted.calls(), [], "git was not started");
  t.end();
});

t.test("a branch without commits, a submodule and a HEAD that is a link have their branches", (t) => {
  const { top, home, find } = setUp(t);
  const fresh = join(top, "fresh");
  mkdirSync(fresh);
  git(home, fresh, "init", "--quiet", "--initial-branch", "begin");
  t.equal(find(fresh).branch, "begin");
  const origin = makeRepository(home, join(top, "origin"));
  const outer = makeRepository(home, join(top, "outer"));
  git(home, outer, "submodule", "--quiet", "add", origin, "sub");
  git(home, join(outer, "sub"), "switch", "--quiet", "--create", "of-sub");
  t.match(find(join(outer, "sub")), { branch: "of-sub", root: join(outer, "sub") });
  rmSync(join(origin, ".git", "HEAD"));
  symlinkSync("refs/heads/main", join(origin, ".git", "HEAD"));
  t.equal(find(origin).branch, "main");
  git(home, outer, "update-ref", "refs/remotes/origin/x", "HEAD");
  writeFileSync(join(outer, ".git", "HEAD"), "ref: refs/remotes/origin/x\n");
  t.equal(find(outer).branch, null, "HEAD leads to no branch");
  t.end();
});

t.test("git is asked for the branch of a repository that keeps its references elsewhere", (t) => {
  const { top, home, find } = setUp(t);
  const root = makeRepository(home, join(top, "trucks"));
  writeFileSync(join(root, ".git", "HEAD"), "ref: refs/heads/.invalid\n");
  t.equal(find(root).branch, null, "git does not say it");
  const counted = countedGit(join(top, "other"), "echo of-git");
  t.equal(findCheckout(root, { ...gitEnvironment(home), PATH: counted.path }).branch, "of-git");
  t.match(counted.calls(), [/ --git-dir=\S+ symbolic-ref --quiet --short HEAD$/]);
  t.end();
});

t.test("a folder outside of git is a checkout without a branch", (t) => {
  const { top, find } = setUp(t);
  const folder = join(top, "plain");
  mkdirSync(join(folder, "sub", "below"), { recursive: true });
  t.match(find(folder), { id: /^[0-9a-f]{16}$/, branch: null, root: folder });
  mkdirSync(join(folder, "sub", ".koor"));
  t.match(find(join(folder, "sub", "below")), { branch: null, root: join(folder, "sub") });
  t.end();
});

t.test("texts that the server would refuse are left out", (t) => {
  const { top, find } = setUp(t);
  const root = join(top, "a\u001b[31m\nb");
  mkdirSync(join(root, ".git"), { recursive: true });
  for (const [branch, sent] of [
    [`x${"y".repeat(1023)}`, `x${"y".repeat(1023)}`],
    ["ü".repeat(513), null],
    ["a\u001b[31m", null],
    ["a\u202eb", null],
    ["", null],
  ]) {
    writeFileSync(join(root, ".git", "HEAD"), `ref: refs/heads/${branch ?? ""}\n`);
    t.match(find(root), { id: /^[0-9a-f]{16}$/, branch: sent, root: null, machine: hostname() });
  }
  const odd = join(top, "odd");
  mkdirSync(join(odd, ".git", "HEAD"), { recursive: true });
  t.match(find(odd), { branch: null, root: odd }, "a folder in place of HEAD");
  rmSync(join(odd, ".git"), { recursive: true });
  symlinkSync("/dev/zero", join(odd, ".git"));
  t.match(find(odd), { branch: null, root: odd }, "a device in place of .git");
  t.end();
});

t.test("the machine's id is the system's, else a random one that the user's folder keeps", (t) => {
  const top = makeDirectory(t);
  const id = "0123456789abcdef0123456789abcdef";
  const [system, first] = [join(top, "machine-id"), join(top, "first")];
  writeFileSync(system, `${id}\n`);
  writeFileSync(first, "uninitialized\n");
  const environment = { HOME: top };
  t.equal(findMachineId(environment, "linux", [join(top, "none"), first, system]), id);
  const kept = findMachineId(environment, "linux", [first]);
  t.match(kept, /^[0-9a-f-]{36}$/);
  t.equal(findMachineId(environment, "linux", []), kept, "it is read again");
  const file = join(top, ".config", "koor", "machine-id");
  t.equal(readFileSync(file, "utf8"), `${kept}\n`);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.not(findMachineId({ XDG_CONFIG_HOME: join(top, "other") }, "linux", []), kept, "another user's folder");
  t.equal(findMachineId({}, "linux", []), hostname(), "there is no folder to keep it in");
  t.equal(findMachineId({ HOME: system }, "linux", []), hostname(), "the folder cannot be made");
  writeFileSync(file, "garbage\n");
  t.equal(findMachineId(environment, "linux", []), hostname(), "a file that is not ours is not replaced");
  t.equal(readFileSync(file, "utf8"), "garbage\n");
  t.end();
});

const IOREG = `+-o Mac14,2  <class IOPlatformExpertDevice, id 0x100000227, registered, matched, active, busy 0>
    {
      "IOPlatformSerialNumber" = "ABCDEF"
      "IOPlatformUUID" = "5F6D2A11-0C3B-5C6E-9C62-6F0B3A4D5E6F"
    }
`;
const REG = String.raw`
HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography
    MachineGuid    REG_SZ    5f6d2a11-0c3b-5c6e-9c62-6f0b3a4d5e6f

`;

t.test("the ids of macOS and Windows are found in the output of their programs", (t) => {
  const { darwin, win32 } = ID_COMMANDS;
  if (darwin === undefined || win32 === undefined) throw new Error("a command is missing");
  t.equal(idInOutput(darwin, IOREG), "5F6D2A11-0C3B-5C6E-9C62-6F0B3A4D5E6F");
  t.equal(idInOutput(win32, REG.replaceAll("\n", "\r\n")), "5f6d2a11-0c3b-5c6e-9c62-6f0b3a4d5e6f");
  t.equal(idInOutput(win32, "ERROR: The system was unable to find the specified registry key"), undefined);
  t.equal(win32.program({ SystemRoot: String.raw`D:\Win` }), String.raw`D:\Win\System32\reg.exe`);
  t.end();
});
