/** Loads large libraries only when they are first needed. */
import { signal, type ReadonlySignal } from "@preact/signals";

/** A module that is loaded when it is first needed; undefined until then. */
export interface Lazy<Module> {
  readonly module: ReadonlySignal<Module | undefined>;
  /**
   * Loads the module, unless it is already loaded. Loading fails if a newer build was installed while the page was
   * open, because the file then no longer exists.
   */
  readonly load: () => void;
}

/** Returns a module that is loaded with `load`. If that fails, the next call tries again. */
export function lazy<Module>(load: () => Promise<Module>): Lazy<Module> {
  const module = signal<Module | undefined>(undefined);
  let loading = false;
  return {
    module,
    load: () => {
      if (loading || module.value !== undefined) return;
      loading = true;
      load()
        .then((loaded) => {
          module.value = loaded;
        })
        .catch(() => undefined)
        .finally(() => {
          loading = false;
        });
    },
  };
}
