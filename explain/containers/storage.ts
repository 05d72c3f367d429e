/**
 * The store that podman and CRI-O share (containers-storage(5)): in GRAPHROOT/DRIVER-containers the lists of containers
 * with their names and, for each, a folder userdata; another one in RUNROOT/DRIVER-containers until the next boot.
 */
import { dirname, join } from "node:path";
import { readOrEmpty } from "../readOrEmpty.ts";
import type { Monitors } from "./monitors.ts";
import { listed, readJson, textAt, valueAt } from "./state.ts";

export interface Stored {
  readonly id: string;
  readonly names: readonly string[];
  /** The OCI specification's annotations: config.json. */
  readonly annotations: unknown;
  /** The folder userdata of RUNROOT, which has the numbers of processes. */
  readonly running: string;
}

interface Store {
  readonly graph: string;
  readonly run: string;
}

/** The default of containers-storage.conf(5) for root. */
const defaultStore: Store = { graph: "/var/lib/containers/storage", run: "/run/containers/storage" };

/** Later files hold over earlier ones. */
const configurations = ["/usr/share/containers/storage.conf", "/etc/containers/storage.conf"];

/** Every container of every store that is known: the default one, the configured one, and those that conmon works for. */
export function storedContainers({ userdata }: Monitors): Stored[] {
  const inUse = userdata.map(({ bundle, pidFile }) => ({ graph: above(bundle, 3), run: above(pidFile, 4) }));
  const stores = new Map([defaultStore, configuredStore(), ...inUse].map((store) => [store.graph, store]));
  return [...stores.values()].flatMap(containersIn);
}

function containersIn({ graph, run }: Store): Stored[] {
  return listed(graph)
    .filter((name) => name.endsWith("-containers"))
    .flatMap((folder) => {
      // Containers that do not outlive a boot are in a list of their own since containers-storage 1.43.
      const lists = [
        join(graph, folder, "containers.json"),
        join(graph, folder, "volatile-containers.json"),
        join(run, folder, "volatile-containers.json"),
      ];
      return lists.flatMap(rowsOf).flatMap((row) => {
        const id = textAt(row, "id");
        if (id === undefined) return [];
        const running = join(run, folder, id, "userdata");
        const places = [join(graph, folder, id, "userdata"), running];
        const specification = places.map((place) => readJson(join(place, "config.json"))).find(Boolean);
        const names = listAt(row, "names").filter((name) => typeof name === "string");
        return [{ id, names, annotations: valueAt(specification, "annotations"), running }];
      });
    });
}

function rowsOf(path: string): readonly unknown[] {
  const rows = readJson(path);
  return Array.isArray(rows) ? rows : [];
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const found = valueAt(value, key);
  return Array.isArray(found) ? found : [];
}

/** TOML, of which two lines matter: `graphroot = "…"` and `runroot = "…"`. */
function configuredStore(): Store {
  let store = defaultStore;
  for (const path of configurations) {
    const text = readOrEmpty(path);
    const value = (key: string) => new RegExp(`^\\s*${key}\\s*=\\s*"([^"]+)"`, "m").exec(text)?.[1];
    store = { graph: value("graphroot") ?? store.graph, run: value("runroot") ?? store.run };
  }
  return store;
}

function above(path: string, levels: number): string {
  let folder = path;
  for (let i = 0; i < levels; i++) folder = dirname(folder);
  return folder;
}
