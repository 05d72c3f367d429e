/** What a person may have meant whose word names nothing. */
import { readdirSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import { defaultDataDir } from "../conf/identity.ts";
import { nearest } from "../conf/nearest.ts";
import type { Entry } from "../store/entry.ts";
import { netnsFolder } from "../sys/netns.ts";
import { entries, entriesOf, type Filter, openedStore } from "./attachments.ts";
import { lostHint } from "./lost.ts";
import { isFile, networkNames } from "./network.ts";
import { isThere, type Target } from "./target.ts";

/** `Did you mean web?`, or empty where nothing is near. */
export function meantNamespace({ spec }: Target, dataDir: string | undefined): string {
  return question(nearest(spec, namespaceNames(dataDir)));
}

/** Names under which something is attached, and those of namespaces. */
function* namespaceNames(dataDir: string | undefined): Generator<string> {
  for (const { attachment, netnsPath } of entries({ dataDir })) {
    yield netnsPath.startsWith(`${netnsFolder}/`) ? netnsPath.slice(netnsFolder.length + 1) : attachment.container;
  }
  try {
    yield* readdirSync(netnsFolder);
  } catch {
    // There is none.
  }
}

/** Where nothing of a namespace is attached: what there is instead. A sentence without its full stop, and a cure. */
export function nothingOf(target: Target, dataDir: string | undefined): readonly [sentence: string, cure: string] {
  const exists = isThere(target);
  const sentence = exists
    ? `Nothing of ${target.spec} is attached`
    : `There is no namespace ${target.spec}, and nothing is attached under that name`;
  return [sentence, exists ? "" : meantNamespace(target, dataDir)];
}

/** As `entriesOf`, and a Fault when there are none. */
export function someEntriesOf(target: Target, filter: Filter): Entry[] {
  const found = entriesOf(target, filter);
  if (found.length > 0) return found;
  const unknown = unknownNetwork(filter.network, filter.dataDir);
  if (unknown) throw unknown;
  const [sentence, meant] = nothingOf(target, filter.dataDir);
  const cure = lostHint(filter.dataDir) ?? `${meant}${meant && " "}See what is with: ns-net ls`;
  throw new Fault(code.unknownContainer, sentence, cure);
}

/** For a network that no configuration names and to which nothing was ever attached; undefined for one that is known. */
export function unknownNetwork(name: string | undefined, dataDir = defaultDataDir): Fault | undefined {
  if (name === undefined || isFile(name)) return undefined; // a file says its own
  using store = openedStore(dataDir);
  const known = [...new Set([...networkNames(dataDir), ...(store?.networks() ?? [])])];
  if (known.includes(name)) return undefined;
  return new Fault(
    code.config,
    `There is no network ${JSON.stringify(name)}: no configuration has that name, and nothing was ever attached to one`,
    question(nearest(name, known)) || `There is: ${known.join(", ")}`,
  );
}

function question(meant: string | undefined): string {
  return meant === undefined ? "" : `Did you mean ${meant}?`;
}
