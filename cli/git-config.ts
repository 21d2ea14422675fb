/**
 * Parses git's configuration format, without includes, where git itself is not asked. The configuration names the main
 * working tree and, for a machine without `git`, the URL of the remote. Pure; runs in the CLI process.
 */

/**
 * Matches the header of a section and the rest of its line. A header is, for example, `[core]` or `[remote "origin"]`.
 */
const SECTION = /^\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\](.*)$/;
const VARIABLE = /^([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$/;
/** The characters that mean something else after a backslash. Before any other character, the backslash is dropped. */
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b" };

/** Splits a text into lines. A line that ends with a backslash is joined with the next line. */
function unfold(text: string): string[] {
  return text.replace(/(^|[^\\])((?:\\\\)*)\\\r?\n/g, "$1$2").split(/\r?\n/);
}

/** Decodes a value. Resolves quotes and escapes, and removes the comment and the unquoted spaces at both ends. */
function decodeValue(written: string): string {
  let value = "";
  /** The length of the value without the unquoted spaces at its end. */
  let kept = 0;
  let isQuoted = false;
  for (let at = 0; at < written.length; at += 1) {
    const sign = written[at] ?? "";
    if (sign === '"') {
      isQuoted = !isQuoted;
      kept = value.length;
    } else if (sign === "\\") {
      at += 1;
      const next = written[at] ?? "";
      value += ESCAPES[next] ?? next;
      kept = value.length;
    } else if (!isQuoted && (sign === "#" || sign === ";")) break;
    else {
      value += sign;
      if (isQuoted || !/\s/.test(sign)) kept = value.length;
    }
  }
  return value.slice(0, kept);
}

/**
 * Parses a configuration. The returned function returns the first value of a variable, given its full name, such as
 * `core.worktree` or `remote.origin.url`. Sections and variables are named in lower case.
 */
export function readGitConfig(text: string): (name: string) => string | undefined {
  const values = new Map<string, string>();
  let section = "";
  for (const line of unfold(text)) {
    let rest = line.trim();
    const header = SECTION.exec(rest);
    if (header !== null) {
      const [, name = "", subsection, after = ""] = header;
      const quoted = subsection === undefined ? "" : `.${subsection.replace(/\\(.)/g, "$1")}`;
      section = name.toLowerCase() + quoted;
      rest = after.trim();
    }
    const [, name, value] = VARIABLE.exec(rest) ?? [];
    if (name === undefined || value === undefined) continue;
    const full = `${section}.${name.toLowerCase()}`;
    if (!values.has(full)) values.set(full, decodeValue(value));
  }
  return (name) => values.get(name);
}
