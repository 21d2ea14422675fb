/**
 * The plugin for OpenCode and Kilo Code, which cannot run commands as hooks. It is plain JavaScript and imports no
 * packages. It finds the project at run time, so its text is the same on every machine. Pure; runs in the CLI process.
 */
import { FILE_MARK } from "./whole-file-part.js";

/** Returns the plugin's source code for a client. */
export function pluginText(client: "opencode" | "kilo"): string {
  const entry = client === "kilo" ? `export default { id: "koor", server: koor };` : `export default koor;`;
  return `// ${FILE_MARK}: tells Koor's server what the agent does, and refuses edits of what others hold.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";

const TIMEOUT_MS = 5000;
const REPORTED = ["session.created", "session.idle", "session.deleted"];

/** Returns the folder of the user's own files of Koor. */
function ownFolder() {
  const { APPDATA, XDG_CONFIG_HOME, HOME } = process.env;
  return join(process.platform === "win32" ? APPDATA : XDG_CONFIG_HOME || join(HOME, ".config"), "koor");
}

/** Returns the name of the user's record of a folder: FNV-1a with 64 bits of the path. */
function recordName(root) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(root)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0") + ".json";
}

/** Returns the server and the headers that \`koor init\` recorded; undefined if this is no project of Koor's. */
function readProject(folder) {
  try {
    const at = realpathSync.native(folder);
    if (!existsSync(join(at, ".koor", "init.json"))) return undefined;
    const { root, server, headers } = JSON.parse(readFileSync(join(ownFolder(), "projects", recordName(at)), "utf8"));
    return root === at ? { server, headers: { ...headers, ...readToken(server) } } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the header with the user's token for a server; empty if \`koor init\` kept none. */
function readToken(server) {
  try {
    const line = readFileSync(join(ownFolder(), "hooks", encodeURIComponent(server) + ".header"), "utf8").trim();
    const at = line.indexOf(":");
    return { [line.slice(0, at)]: line.slice(at + 1).trim() };
  } catch {
    return {};
  }
}

const koor = async ({ directory, worktree }) => {
  const project = readProject(worktree || directory) ?? readProject(directory);
  if (project === undefined) return {};
  const contexts = new Map();
  // Only the first event of a subagent's session names its parent.
  const parents = new Map();

  /** Reports an event. Returns the server's answer, which is empty if the server is away. */
  const report = async (event, sessionID, more = {}) => {
    try {
      const response = await fetch(project.server + "/api/hooks/${client}", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...project.headers },
        body: JSON.stringify({ event, sessionID, parentID: parents.get(sessionID), cwd: directory, ...more }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: "error",
      });
      const answer = response.ok ? await response.json() : {};
      if (typeof answer.context === "string") {
        contexts.set(sessionID, [...(contexts.get(sessionID) ?? []), answer.context]);
      }
      return answer;
    } catch {
      return {};
    }
  };

  return {
    event: async ({ event }) => {
      const { info = {}, sessionID = info.id } = event.properties ?? {};
      if (typeof sessionID !== "string") return;
      // A message has a parent, too, which is another message.
      if (event.type === "session.created" && typeof info.parentID === "string") parents.set(sessionID, info.parentID);
      // The turn is over, and with it what its requests had to contain.
      if (event.type === "session.idle") contexts.delete(sessionID);
      if (REPORTED.includes(event.type)) await report(event.type, sessionID);
      if (event.type === "session.deleted") {
        contexts.delete(sessionID);
        parents.delete(sessionID);
      }
    },
    "chat.message": async ({ sessionID }, { parts = [] }) => {
      const prompt = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\\n");
      await report("chat.message", sessionID, { prompt });
    },
    "tool.execute.before": async ({ tool, sessionID, callID }, { args }) => {
      const { deny } = await report("tool.execute.before", sessionID, { tool, callID, args });
      if (typeof deny === "string") throw new Error(deny);
    },
    "tool.execute.after": async ({ tool, sessionID, callID, args }) => {
      await report("tool.execute.after", sessionID, { tool, callID, args });
    },
    "experimental.chat.system.transform": async ({ sessionID }, { system }) => {
      // All requests of a turn get it: the first one may ask for a title only.
      system.push(...(contexts.get(sessionID) ?? []));
    },
  };
};

${entry}
`;
}
