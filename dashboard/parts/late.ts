/** Heavy libraries, which are loaded when something is to be drawn with them for the first time. */
import { signal, type ReadonlySignal } from "@preact/signals";

/** What is loaded late: undefined until it is there. */
export interface Late<Module> {
  readonly module: ReadonlySignal<Module | undefined>;
  /** Has it loaded, where it was not yet; a page that was left open may find that a newer build has taken its place. */
  readonly load: () => void;
}

/** Something that `load` imports. Where that fails it is tried again the next time. */
export function late<Module>(load: () => Promise<Module>): Late<Module> {
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
