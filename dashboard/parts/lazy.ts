/** Large libraries that are loaded when they are first needed. */
import { signal, type ReadonlySignal } from "@preact/signals";

/** A module that is loaded lazily; undefined until it is loaded. */
export interface Lazy<Module> {
  readonly module: ReadonlySignal<Module | undefined>;
  /**
   * Loads the module unless it is loaded. Loading can fail in a page that was left open while a newer build replaced
   * the file.
   */
  readonly load: () => void;
}

/** Returns a module that `load` imports. A failed import is retried at the next call. */
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
