/**
 * Converts file paths to paths relative to the workspace's root, as leases use them. Absolute paths, and paths that
 * begin with `./` or `../`, are converted. Other paths are already relative to the root. workspace.ts finds the root,
 * and the server checks the path. Pure; runs in the CLI process.
 */
import type { PlatformPath } from "node:path";

import { CliFailure, wrongUsage } from "./failure.js";

/** The values that are needed to interpret a path. */
export interface PathContext {
  /** The operating system's functions for paths: `path.posix` or `path.win32`. */
  readonly flavour: PlatformPath;
  /** The absolute path of the workspace's root. */
  readonly root: string;
  /** The absolute path of the folder in which the command runs. */
  readonly folder: string;
  /**
   * Resolves symbolic links in an absolute path. The shell may have entered the workspace through a link, and then its
   * paths do not begin with the root.
   */
  readonly resolveLinks: (path: string) => string;
}

const PATH = "path:";
/** The glob that matches all paths. */
export const WHOLE_WORKSPACE = "**";
const DRIVE = /^[A-Za-z]:/;

/**
 * Converts a path or glob to one relative to the workspace's root, with `/` between segments. The root itself becomes
 * `**`. Returns a failure if the path is outside of the root.
 */
export function workspacePath(path: string, context: PathContext): string | CliFailure {
  const written = withSlashes(path, context.flavour);
  if (!isFromElsewhere(written, context.flavour)) return written;
  const absolute = context.flavour.resolve(context.folder, written);
  const relative = pathFromRoot(absolute, context) ?? pathFromRoot(context.resolveLinks(absolute), context);
  if (relative === undefined) return wrongUsage(`${path} is outside of the workspace ${context.root}`);
  return relative === "" ? WHOLE_WORKSPACE : relative;
}

/**
 * Converts a resource that is a path to `path:` and the path relative to the workspace's root. Other resources stay
 * unchanged.
 */
export function workspaceResource(resource: string, context: PathContext): string | CliFailure {
  const isPath = resource.startsWith(PATH);
  if (!isPath && !isFromElsewhere(resource, context.flavour)) return resource;
  const path = workspacePath(isPath ? resource.slice(PATH.length) : resource, context);
  return path instanceof CliFailure ? path : PATH + path;
}

/** Converts each resource with `workspaceResource`, in order. Returns the first failure if there is one. */
export function workspaceResources(resources: readonly string[], context: PathContext): string[] | CliFailure {
  const converted: string[] = [];
  for (const resource of resources) {
    const one = workspaceResource(resource, context);
    if (one instanceof CliFailure) return one;
    converted.push(one);
  }
  return converted;
}

/** Returns an absolute path relative to the root; undefined if it is outside of the root. */
function pathFromRoot(absolute: string, { flavour, root }: PathContext): string | undefined {
  const relative = flavour.relative(root, absolute);
  const plain = withSlashes(relative, flavour);
  return plain === ".." || plain.startsWith("../") || flavour.isAbsolute(relative) ? undefined : plain;
}

function withSlashes(path: string, flavour: PlatformPath): string {
  return flavour.sep === "\\" ? path.replaceAll("\\", "/") : path;
}

/**
 * Whether a path is absolute, or relative to the command's folder (`./`, `../`). Any other path is relative to the
 * workspace's root.
 */
function isFromElsewhere(path: string, flavour: PlatformPath): boolean {
  const isWindows = flavour.sep === "\\";
  const relative = isWindows ? /^\.{1,2}(?:[\\/]|$)/ : /^\.{1,2}(?:\/|$)/;
  return relative.test(path) || flavour.isAbsolute(path) || (isWindows && DRIVE.test(path));
}
