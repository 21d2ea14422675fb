/** The guard of commits as a part of a project's setup: `init --guard` and `uninit`. Runs in the CLI process. */
import { CliFailure } from "../failure.js";
import { installGuard } from "../guard/install.js";
import { findRepository } from "../guard/repository.js";
import { uninstallGuard } from "../guard/uninstall.js";

/** Installs the guard for a working tree. Returns why it is not installed; undefined if it is. */
export function putGuard(root: string): CliFailure | undefined {
  const repository = findRepository(root);
  if (repository instanceof CliFailure) return repository;
  const installed = installGuard(repository, false);
  return installed instanceof CliFailure ? installed : undefined;
}

/** Takes the guard back. Returns why it is still there; undefined if it is not. */
export function takeGuard(root: string): CliFailure | undefined {
  const repository = findRepository(root);
  if (repository instanceof CliFailure) return repository;
  const uninstalled = uninstallGuard(repository);
  return uninstalled instanceof CliFailure ? uninstalled : undefined;
}
