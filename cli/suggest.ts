/** Suggestions for a word that names nothing. */
import { readdirSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import { defaultDataDir } from "../conf/identity.ts";
import { nearest } from "../conf/nearest.ts";
import defer * as containers from "../explain/containers/find.ts";
import { reservedNetworks } from "../explain/networks/untaken.ts";
import type { Entry } from "../store/entry.ts";
import { netnsFolder } from "../sys/netns.ts";
import { entries, type Filter, openedStore } from "./attachments.ts";
import { lostHint } from "./lost.ts";
import { isFile, networkNames } from "./network.ts";
import { shownOf } from "./networks/untaken.ts";
import { isThere, type Target } from "./target.ts";

/** `Did you mean web?`, or an empty text if nothing is near. */
export function meantNamespace({ spec }: Target, dataDir: string | undefined): string {
  const isContainer = !spec.includes(":") && containers.containersNamed(spec).some(({ pid }) => pid !== undefined);
  return question(nearest(spec, namespaceNames(dataDir)) ?? (isContainer ? `container:${spec}` : undefined));
}

/** Names of attachments and of namespaces. */
function* namespaceNames(dataDir: string | undefined): Generator<string> {
  for (const { attachment, netnsPath } of entries({ dataDir })) {
    yield netnsPath.startsWith(`${netnsFolder}/`) ? netnsPath.slice(netnsFolder.length + 1) : attachment.container;
  }
  try {
    yield* readdirSync(netnsFolder);
  } catch {
    // There is no such folder.
  }
}

/** The message if nothing of a namespace is attached: a sentence without full stop, and a cure. */
export function nothingOf(target: Target, dataDir: string | undefined): readonly [sentence: string, cure: string] {
  const exists = isThere(target);
  const sentence = exists
    ? `Nothing of ${target.spec} is attached`
    : `There is no namespace ${target.spec}, and nothing is attached under that name`;
  return [sentence, exists ? "" : meantNamespace(target, dataDir)];
}

/** As `shownOf`, but throws Fault if there are none. */
export function someEntriesOf(target: Target, filter: Filter): Entry[] {
  const found = shownOf(target, filter);
  if (found.length > 0) return found;
  const unknown = unknownNetwork(filter.network, filter.dataDir);
  if (unknown) throw unknown;
  const [sentence, meant] = nothingOf(target, filter.dataDir);
  const cure = lostHint(filter.dataDir) ?? `${meant}${meant && " "}See what is attached: ns-net ls`;
  throw new Fault(code.unknownContainer, sentence, cure);
}

/** The fault for a network without a configuration and without any attachment ever; undefined for a known one. */
export function unknownNetwork(name: string | undefined, dataDir = defaultDataDir): Fault | undefined {
  if (name === undefined || isFile(name)) return undefined; // a file contains its own name
  using store = openedStore(dataDir);
  const known = [...new Set([...networkNames(dataDir), ...(store?.networks() ?? []), ...reservedNetworks()])];
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
