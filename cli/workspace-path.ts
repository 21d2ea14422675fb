/**
 * Paths as the operating system hands them out, made relative to a workspace's root, as leases have them: absolute
 * ones, and those that begin with `./` or `../`. Any other path is taken from the root already. Pure; runs in the
 * command line's process. Leaves finding the root to workspace.ts, and what a path may be to the server.
 */
import type { PlatformPath } from "node:path";

import { CliFailure, wrongUsage } from "./failure.js";

/** Where paths are read. */
export interface PathContext {
  /** How the operating system writes paths: `path.posix` or `path.win32`. */
  readonly flavour: PlatformPath;
  /** The workspace's root, an absolute path. */
  readonly root: string;
  /** The folder that the command runs in, an absolute path. */
  readonly folder: string;
  /** An absolute path without symbolic links: a shell may know the workspace by another path. */
  readonly resolveLinks: (path: string) => string;
}

const PATH = "path:";
/** The glob of all paths. */
export const WHOLE_WORKSPACE = "**";
const DRIVE = /^[A-Za-z]:/;

/**
 * The path or glob relative to the workspace's root, with `/` between its segments; the root itself is `**`.
 * A failure where it lies outside of the root.
 */
export function workspacePath(path: string, context: PathContext): string | CliFailure {
  const written = withSlashes(path, context.flavour);
  if (!isFromElsewhere(written, context.flavour)) return written;
  const absolute = context.flavour.resolve(context.folder, written);
  const relative = pathFromRoot(absolute, context) ?? pathFromRoot(context.resolveLinks(absolute), context);
  if (relative === undefined) return wrongUsage(`${path} is outside of the workspace ${context.root}`);
  return relative === "" ? WHOLE_WORKSPACE : relative;
}

/** A resource whose path is relative to the root. A path that stands without its prefix gets it. */
export function workspaceResource(resource: string, context: PathContext): string | CliFailure {
  const isPath = resource.startsWith(PATH);
  if (!isPath && !isFromElsewhere(resource, context.flavour)) return resource;
  const path = workspacePath(isPath ? resource.slice(PATH.length) : resource, context);
  return path instanceof CliFailure ? path : PATH + path;
}

/** The resources in their order, each as `workspaceResource` has it; the first failure. */
export function workspaceResources(resources: readonly string[], context: PathContext): string[] | CliFailure {
  const converted: string[] = [];
  for (const resource of resources) {
    const one = workspaceResource(resource, context);
    if (one instanceof CliFailure) return one;
    converted.push(one);
  }
  return converted;
}

/** An absolute path relative to the root; undefined where it lies outside. */
function pathFromRoot(absolute: string, { flavour, root }: PathContext): string | undefined {
  const relative = flavour.relative(root, absolute);
  const plain = withSlashes(relative, flavour);
  return plain === ".." || plain.startsWith("../") || flavour.isAbsolute(relative) ? undefined : plain;
}

function withSlashes(path: string, flavour: PlatformPath): string {
  return flavour.sep === "\\" ? path.replaceAll("\\", "/") : path;
}

/** Whether a path is not from the workspace's root: absolute, or from the folder that the command runs in. */
function isFromElsewhere(path: string, flavour: PlatformPath): boolean {
  const isWindows = flavour.sep === "\\";
  const relative = isWindows ? /^\.{1,2}(?:[\\/]|$)/ : /^\.{1,2}(?:\/|$)/;
  return relative.test(path) || flavour.isAbsolute(path) || (isWindows && DRIVE.test(path));
}
