/**
 * Describes the checkout of a folder. A checkout is one working tree on one machine. Two agents in the same checkout
 * can overwrite each other's files; agents in different checkouts cannot. Runs in the CLI process.
 */
import type { Checkout } from "../schemas/instances.js";
import { CHECKOUT_TEXT_BYTES_MAX } from "../schemas/limits/instances.js";
import { findHiddenCharacter, hasControlCharacter } from "../schemas/visible-text.js";
import { hashOf } from "./content-hash.js";
import { findWorkingTree, readHeadBranch, realPath, type WorkingTree } from "./git-folder.js";
import { askForBranch } from "./git-remote.js";
import { findMachineId } from "./machine-id.js";
import { findRoot } from "./workspace.js";

const ID_DIGITS = 16;

/**
 * Returns the text, or null if the server would refuse it. A checkout needs only its id, so its other texts may be
 * null.
 */
function sendable(text: string | null): string | null {
  if (text === null || text === "" || Buffer.byteLength(text) > CHECKOUT_TEXT_BYTES_MAX) return null;
  return hasControlCharacter(text) || findHiddenCharacter(text) !== undefined ? null : text;
}

function findBranch(tree: WorkingTree, environment: NodeJS.ProcessEnv): string | null {
  const head = readHeadBranch(tree);
  if (head.kind === "branch") return head.name;
  return head.kind === "unknown" ? askForBranch(tree, environment) : null;
}

/**
 * Returns the checkout to which a folder belongs. `branch` is null outside of git and while HEAD is detached. `root` is
 * the real path of the working tree; outside of git, it is that of the workspace's root. `machine` is the host's name.
 */
export function findCheckout(folder: string, environment: NodeJS.ProcessEnv): Checkout {
  const tree = findWorkingTree(folder);
  const root = tree?.root ?? realPath(findRoot(folder));
  // Load the module only when it is needed. With a static import, every command would load it.
  const { hostname } = process.getBuiltinModule("node:os");
  const identity = `${findMachineId(environment).toLowerCase()}\n${root}`;
  return {
    id: hashOf(identity).slice(0, ID_DIGITS),
    branch: sendable(tree === undefined ? null : findBranch(tree, environment)),
    root: sendable(root),
    machine: sendable(hostname()),
  };
}
