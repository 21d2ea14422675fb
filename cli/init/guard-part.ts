/** Installs the commit guard for `init --guard`, and removes it for `uninit`. Runs in the CLI process. */
import { CliFailure } from "../failure.js";
import { installGuard } from "../guard/install.js";
import { findRepository } from "../guard/repository.js";
import { uninstallGuard } from "../guard/uninstall.js";

/** Installs the guard in a working tree. Returns the failure; undefined if the guard was installed. */
export function putGuard(root: string): CliFailure | undefined {
  const repository = findRepository(root);
  if (repository instanceof CliFailure) return repository;
  const installed = installGuard(repository, false);
  return installed instanceof CliFailure ? installed : undefined;
}

/** Removes the guard. Returns the failure; undefined if the guard was removed. */
export function takeGuard(root: string): CliFailure | undefined {
  const repository = findRepository(root);
  if (repository instanceof CliFailure) return repository;
  const uninstalled = uninstallGuard(repository);
  return uninstalled instanceof CliFailure ? uninstalled : undefined;
}
