/**
 * Tests `init` and `uninit` with random projects. A project may already have files of the clients and of the user,
 * links, tracked files, and files into which Koor's part does not fit. `init` changes only Koor's own parts, or writes
 * nothing at all. A second `init` changes nothing. `uninit` restores every byte. If the user has changed a file in the
 * meantime, `uninit` removes only Koor's parts.
 */
import { deepStrictEqual } from "node:assert";
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import * as fc from "fast-check";
import t from "tap";

import { jsonFiles, markdownFiles, sortedText, tomlFiles } from "../../test/cli/existing-file.js";
import { makeProject, snapshot, type InitProject } from "../../test/cli/project.js";
import { countRounds } from "../../test/support/test-size.js";
import { parseCommented } from "../json-edit.js";
import { CLIENT_NAMES, type ClientName } from "../mcp-clients.js";
import { tomlValue } from "../toml-tables.js";

/**
 * A configuration file that `init` changes (section 32 of the contract). In the tests, it may already exist before
 * `init`.
 */
interface KnownFile {
  readonly path: string;
  readonly place?: "home";
  /** The client for which `init` changes the file; absent if it changes the file for every client. */
  readonly client?: ClientName;
  readonly content: fc.Arbitrary<string>;
  /** Contents that make `init` refuse, because Koor's part does not fit into them. */
  readonly faults: readonly string[];
}

const JSON_FAULTS = ["{", "[]", '"x"', "{}}", "\u0000", "/*"];
const TOML_FAULTS = ["[a", "a = ", "hooks = 1\nmcp_servers = 1\n", "\u0000"];

function servers(client: ClientName, path: string, group = "mcpServers", place?: "home"): KnownFile {
  const faults = [...JSON_FAULTS, `{"${group}":[]}`, `{"${group}":{"koor":1}}`, `{"${group}":{},"${group}":{}}`];
  return { client, path, content: jsonFiles([group]), faults, ...(place === undefined ? {} : { place }) };
}

function hooks(client: ClientName, path: string, ...events: string[]): KnownFile {
  const faults = [...JSON_FAULTS, '{"hooks":[]}', ...events.map((event) => `{"hooks":{"${event}":{}}}`)];
  return { client, path, content: jsonFiles([]), faults };
}

const FILES: readonly KnownFile[] = [
  servers("claude", ".mcp.json"),
  hooks("claude", ".claude/settings.local.json", "PreToolUse"),
  servers("cursor", ".cursor/mcp.json"),
  hooks("cursor", ".cursor/hooks.json", "preToolUse"),
  servers("vscode", ".vscode/mcp.json", "servers"),
  hooks("vscode", ".github/hooks/koor.json", "Stop"),
  { client: "codex", path: ".codex/config.toml", content: tomlFiles, faults: TOML_FAULTS },
  hooks("codex", ".codex/hooks.json", "PreToolUse"),
  servers("gemini", ".gemini/settings.json"),
  servers("qwen", ".qwen/settings.json"),
  servers("opencode", "opencode.json", "mcp"),
  { client: "opencode", path: ".opencode/plugin/koor.js", content: fc.constant(""), faults: ["mine"] },
  { client: "kimi", path: ".kimi-code/config.toml", place: "home", content: tomlFiles, faults: TOML_FAULTS },
  servers("kimi", ".kimi-code/mcp.json", "mcpServers", "home"),
  servers("copilot", ".copilot/mcp-config.json", "mcpServers", "home"),
  servers("cline", ".cline/data/settings/cline_mcp_settings.json", "mcpServers", "home"),
  { client: "claude", path: "CLAUDE.md", content: markdownFiles, faults: [] },
  {
    path: "AGENTS.md",
    content: markdownFiles,
    faults: ["<!-- koor:start -->\n", "x\n<!-- koor:end -->", "<!-- koor:end -->\n<!-- koor:start -->\n"],
  },
];

const KNOWN = new Map(FILES.map((file) => [file.path, file]));

function knownFile({ path }: Existing): KnownFile {
  const file = KNOWN.get(path);
  if (file === undefined) throw new Error(path);
  return file;
}

type Kind = "file" | "link" | "fault" | "outside" | "dangling" | "folder" | "binary";

interface Existing {
  readonly path: string;
  readonly text: string;
  readonly kind: Kind;
  readonly fault: number;
  readonly mode: number;
  readonly isTracked: boolean;
  readonly hasMark: boolean;
}

const HARMLESS: readonly Kind[] = ["file", "file", "file", "link"];
const FAULTY: readonly Kind[] = ["fault", "fault", "outside", "dangling", "folder", "binary"];

function existing(kinds: readonly Kind[]): fc.Arbitrary<readonly Existing[]> {
  const one = fc.constantFrom(...FILES).chain((file) =>
    fc.record({
      path: fc.constant(file.path),
      text: file.content,
      kind: fc.constantFrom(...kinds),
      fault: fc.nat({ max: 20 }),
      mode: fc.constantFrom(0o644, 0o600, 0o755),
      isTracked: fc.constantFrom(false, false, false, true),
      hasMark: fc.constantFrom(false, false, true),
    }),
  );
  return fc.uniqueArray(one, { selector: ({ path }) => path, maxLength: 7 });
}

/** A project before `init`, and how it is run. */
interface Case {
  readonly harmless: readonly Existing[];
  readonly faulty: readonly Existing[];
  readonly exclude: string;
  readonly clients: readonly ClientName[];
  readonly isShared: boolean;
  readonly later: "nothing" | "rewritten" | "deleted";
}

const cases: fc.Arbitrary<Case> = fc.record({
  harmless: existing(HARMLESS),
  faulty: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, { arbitrary: existing(FAULTY), weight: 1 }),
  exclude: fc.constantFrom("", "# ours\n", "*.log", "a\r\nb\r\n"),
  clients: fc.uniqueArray(fc.constantFrom(...CLIENT_NAMES), { minLength: 1, maxLength: 5 }),
  isShared: fc.constantFrom(false, false, true),
  later: fc.constantFrom("nothing", "rewritten", "deleted"),
});

const MARK = "\uFEFF";

/** Makes one existing file of the given kind. */
function make({ root, home, git }: InitProject, outside: string, at: number, one: Existing): void {
  const file = knownFile(one);
  const { text, kind, fault, mode, isTracked, hasMark } = one;
  const path = join(file.place === "home" ? home : root, file.path);
  mkdirSync(dirname(path), { recursive: true });
  const isCode = file.path.endsWith(".js");
  if (kind === "file" || kind === "link") {
    const real = kind === "file" ? path : join(dirname(path), `real${at}${extname(path)}`);
    writeFileSync(real, (hasMark && !isCode ? MARK : "") + text);
    chmodSync(real, mode);
    if (kind === "link") symlinkSync(basename(real), path);
  } else if (kind === "fault") writeFileSync(path, file.faults[fault % file.faults.length] ?? text);
  else if (kind === "outside") symlinkSync(outside, path);
  else if (kind === "dangling") symlinkSync("nowhere", path);
  else if (kind === "folder") mkdirSync(path);
  else writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]));
  if (isTracked && file.place === undefined) git("add", "--force", "--", file.path);
}

function isWanted(one: Existing, { clients }: Case): boolean {
  const { client, path } = knownFile(one);
  // Copilot CLI and VS Code share this file.
  const isCopilots = path.startsWith(".github/") && clients.includes("copilot");
  return client === undefined || clients.includes(client) || isCopilots;
}

/** Whether `init` must refuse the project because of one existing file. */
function mustRefuse(one: Existing, { isShared, ...rest }: Case): boolean {
  const file = knownFile(one);
  const { kind, isTracked } = one;
  if (!isWanted(one, { isShared, ...rest })) return false;
  const isClients = file.client !== undefined && file.path !== "CLAUDE.md";
  if (isTracked && isClients && file.place === undefined && !isShared) return true;
  if (HARMLESS.includes(kind)) return false;
  // If the hooks are to be committed, `init` does not touch this file, because Claude Code's hooks go into another
  // file.
  if (isShared && file.path === ".claude/settings.local.json") return false;
  // A link may lead out of the home folder, because the user made the link.
  if (kind === "outside" && file.place === "home") return false;
  if (file.path === "CLAUDE.md") return ["dangling", "outside", "folder", "binary"].includes(kind);
  return kind !== "fault" || file.faults.length > 0;
}

function parse(path: string, text: string): unknown {
  const own = text.replace(MARK, "");
  return path.endsWith(".toml") ? tomlValue(own) : parseCommented(own.trim() === "" ? "{}" : own);
}

const OURS = /\/api\/hooks\/\w+|\bkoor-hook(?:\.c?js)? \w+ 2>|\bwait --wake \w+|\bhooks report >/;

/** Returns a copy of a configuration without Koor's entries. Objects and arrays that become empty are removed too. */
function withoutKoor(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutKoor).filter((one) => one !== undefined);
  if (typeof value !== "object" || value === null)
    return typeof value === "string" && OURS.test(value) ? undefined : value;
  const members = Object.entries(value).flatMap(([name, one]) => {
    if (name === "koor" && typeof one === "object") return [];
    const rest = withoutKoor(one);
    return rest === undefined ? [] : [[name, rest]];
  });
  const isOurs = ["url", "command", "bash"].some((name) => name in value && !members.some(([one]) => one === name));
  return isOurs ? undefined : (Object.fromEntries(members) as unknown);
}

/** Returns a copy of a value without empty objects and arrays; undefined if nothing is left. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const elements = value.map(withoutEmpty).filter((one) => one !== undefined);
    return elements.length === 0 ? undefined : elements;
  }
  // `version` is removed too, because `init` added it together with the hooks.
  const members = Object.entries(value).flatMap(([name, one]) => {
    const rest = withoutEmpty(one);
    return rest === undefined || name === "version" ? [] : [[name, rest]];
  });
  return members.length === 0 ? undefined : (Object.fromEntries(members) as unknown);
}

/** Returns a text to compare two configurations. It has no entries of Koor and no empty members. */
function essence(value: unknown): string {
  return sortedText(withoutEmpty(withoutKoor(value)) ?? null);
}

/** Whether `after` contains all characters of `before` in their order. Blanks and commas do not count. */
function isSubsequence(before: string, after: string): boolean {
  const wanted = before.replaceAll(/[\s,]/g, "");
  let at = 0;
  for (const character of after) if (character === wanted[at]) at += 1;
  return at === wanted.length;
}

/** Compares the files before and after `init`. Returns the changes that are not Koor's own parts. */
function findForeignChanges(before: Files, after: Files): readonly string[] {
  return before.flatMap((files, at) =>
    Object.entries(files).flatMap(([path, old]) => {
      const now = after[at]?.[path];
      if (now === old || path === ".git/info/exclude") return [];
      if (now === undefined || now.slice(0, 4) !== old.slice(0, 4)) return [`${path}: kind or mode`];
      if (old === "folder" || old.startsWith("link ")) return [`${path}: ${old}`];
      const [was, is] = [old, now].map((one) => Buffer.from(one.slice(4), "latin1").toString("utf8"));
      if (was === undefined || is === undefined || !isSubsequence(was, is)) return [`${path}: lost text`];
      if (was.includes("\r\n") && /[^\r]\n/.test(is.slice(is.indexOf("\r\n"))) && !/[^\r]\n/.test(was))
        return [`${path}: line ends`];
      if (!/\.(?:json|toml)$/.test(path)) return [];
      return essence(parse(path, was)) === essence(parse(path, is)) ? [] : [`${path}: other members`];
    }),
  );
}

type Files = readonly Readonly<Record<string, string>>[];

const PLACES = ["root", "home"] as const;

/** A file that `init` has changed or made. */
interface ChangedFile {
  readonly folder: (typeof PLACES)[number];
  readonly path: string;
  /** The old content; undefined if `init` made the file. */
  readonly was: string | undefined;
}

/** Returns the content of a file in a snapshot; undefined if there is no such file. */
function contentOf(entry: string | undefined): string | undefined {
  const found = /^\d{3} ([^]*)$/.exec(entry ?? "")?.[1];
  return found === undefined ? undefined : Buffer.from(found, "latin1").toString("utf8");
}

/** Returns the files of clients and of the user that `init` has changed or made. */
function changedFiles(before: Files, after: Files): readonly ChangedFile[] {
  return PLACES.flatMap((folder, at) =>
    Object.entries(after[at] ?? {}).flatMap(([path, entry]) => {
      const old = before[at]?.[path];
      const isOwn = /^\.(?:koor|git|config)\/|\.js$|^\.clinerules/.test(path);
      return old === entry || isOwn || contentOf(entry) === undefined ? [] : [{ folder, path, was: contentOf(old) }];
    }),
  );
}

/** Changes a file as its client or the user might do it. The new file has another layout and more content. */
function rewrite(project: InitProject, { folder, path }: ChangedFile): void {
  const file = join(project[folder], path);
  const text = readFileSync(file, "utf8");
  const parsed = path.endsWith(".json") ? (parse(path, text) as object) : undefined;
  const rest = path.endsWith(".toml") ? "\n[added]\nx = 1\n" : "More.\n";
  writeFileSync(
    file,
    parsed === undefined ? text + rest : `${JSON.stringify({ ...parsed, added: { x: 1 } }, null, 3)}\n`,
  );
}

/** Checks that a rewritten file has lost Koor's parts and nothing else. */
function checkRewritten({ folder, path, was = "" }: ChangedFile, now: Files): void {
  const text = contentOf(now[PLACES.indexOf(folder)]?.[path]) ?? "";
  const isText = path.endsWith(".md");
  const [rest, wanted] = isText
    ? [text.replaceAll(/\s/g, ""), `${was.replace(MARK, "").replaceAll(/\s/g, "")}More.`]
    : [
        sortedText(withoutEmpty(parse(path, text))),
        sortedText(withoutEmpty({ ...(parse(path, was) as object), added: { x: 1 } })),
      ];
  deepStrictEqual(rest.replace(MARK, ""), wanted, path);
}

function filesOf({ root, home }: InitProject): Files {
  return [snapshot(root), snapshot(home)];
}

/** Restores the state that the project has before each case. */
function clear({ root, home, git }: InitProject): void {
  for (const [folder, files] of [
    [root, snapshot(root)],
    [home, snapshot(home)],
  ] as const)
    for (const path of Object.keys(files))
      if (!path.startsWith(".git")) rmSync(join(folder, path), { recursive: true, force: true });
  rmSync(join(root, ".github"), { recursive: true, force: true });
  git("read-tree", "--empty");
}

t.test("for any existing files: only its own part or nothing, twice is once, and uninit restores", async (t) => {
  const project = await makeProject(t);
  const { root, koor, git, write } = project;
  const outside = join(dirname(root), "outside");
  const counted = { written: 0, refused: 0 };
  const holds = async (one: Case): Promise<void> => {
    clear(project);
    writeFileSync(outside, "{}\n");
    write(".git/info/exclude", one.exclude);
    const taken = new Set(one.harmless.map(({ path }) => path));
    const all = [...one.harmless, ...one.faulty.filter(({ path }) => !taken.has(path))];
    for (const [at, file] of all.entries()) make(project, outside, at, file);
    const before = filesOf(project);
    const shown = git("status", "--porcelain", "--untracked-files=all").split("\n");
    const args = ["init", "--yes", ...one.clients.flatMap((name) => ["--client", name])];
    const first = await koor([...args, ...(one.isShared ? ["--shared"] : [])]);
    const after = filesOf(project);
    const refusals = all.filter((file) => mustRefuse(file, one));
    if (first.code !== 0 || refusals.length > 0) {
      counted.refused += 1;
      deepStrictEqual([first.code, after], [1, before], first.stderr);
      for (const { path } of refusals) if (!first.stderr.includes(path)) throw new Error(first.stderr);
      if (refusals.length === 0) throw new Error(`refused without a reason: ${first.stderr}`);
      return;
    }
    counted.written += 1;
    const strange = findForeignChanges(before, after);
    if (strange.length > 0) throw new Error(strange.join("; "));
    if (readFileSync(outside, "utf8") !== "{}\n" && !all.some(({ kind }) => kind === "outside")) throw new Error("out");
    const nowShown = one.isShared ? [] : git("status", "--porcelain", "--untracked-files=all").split("\n");
    const news = nowShown.filter(
      (line) => line !== "" && !shown.includes(line) && !/ (?:AGENTS|CLAUDE)\.md$/.test(line),
    );
    if (news.length > 0) throw new Error(`git shows ${news.join()}`);
    const second = await koor(args);
    deepStrictEqual([second.code, filesOf(project)], [0, after], "twice is once");
    const changed = changedFiles(before, after);
    if (one.later === "rewritten") for (const file of changed) rewrite(project, file);
    if (one.later === "deleted") for (const { folder, path } of changed) rmSync(join(project[folder], path));
    const last = await koor(["uninit", "--yes"]);
    if (last.code !== 0) throw new Error(last.stderr);
    const now = filesOf(project);
    if (one.later === "nothing") deepStrictEqual(now, before);
    else if (one.later === "deleted")
      for (const { folder, path } of changed) deepStrictEqual(now[PLACES.indexOf(folder)]?.[path], undefined);
    else for (const file of changed) checkRewritten(file, now);
  };
  await fc.assert(fc.asyncProperty(cases, holds), { numRuns: countRounds(8, 200) });
  t.ok(counted.written > 0, JSON.stringify(counted));
});
