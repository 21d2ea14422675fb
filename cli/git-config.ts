/**
 * Parses git's configuration format, without includes. It is used if git cannot be asked. The configuration says where
 * a main working tree is, and which URL the remote has on a machine without the program `git`. Pure; runs in the CLI
 * process.
 */

/** Matches a section's header, such as `[core]` or `[remote "origin"]`, and the rest of the line after it. */
const SECTION = /^\[\s*([A-Za-z0-9.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\](.*)$/;
const VARIABLE = /^([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?$/;
/** The meanings of escaped characters. Before any other character, the backslash is just removed. */
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", b: "\b" };

/** Joins each line that ends with an unescaped backslash with the next one. */
function unfold(text: string): string[] {
  return text.replace(/(^|[^\\])((?:\\\\)*)\\\r?\n/g, "$1$2").split(/\r?\n/);
}

/** Decodes a value: resolves quotes and escapes, and removes comments and the unquoted spaces at both ends. */
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
 * Parses a configuration. Returns a function that returns the first value of a variable, given its full name, such as
 * `core.worktree` or `remote.origin.url`. The names of the section and of the variable are in lower case.
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
