/** The World of this machine: namespaces found as they are needed, and what the store knows of them. */

import { everyHolder, type Holder } from "../../explain/namespaces/holders.ts";
import { Site, type SiteLink } from "../../explain/path/site/site.ts";
import type { Attached, World } from "../../explain/path/world.ts";
import { everyPort } from "../../explain/ports/everyPort.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { mainTable } from "../../netlink/route/route.ts";
import { checkStep, givenBy, type Step, stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import { closeNetns, type Netns, openOwnNetns } from "../../sys/netns.ts";
import { bridgeOf, entries, openedStore } from "../attachments.ts";
import { shortName } from "../target.ts";
import { commandAgain } from "./again.ts";

const masqueradesOf = (entry: Entry) => stepsOf(entry).filter((step) => givenBy(step).isMasqueraded === true);

function isLost(steps: readonly Step[]): boolean {
  using kernel = openKernel();
  return steps.some((step) => checkStep(step, kernel).length > 0);
}

export class Machine implements World {
  readonly host: Site;
  readonly #dataDir: string | undefined;
  /** By inode. */
  readonly #sites = new Map<bigint, Site>();
  #entries: readonly Entry[] | undefined;
  #holders: readonly Holder[] | undefined;
  #published: ReturnType<World["published"]> | undefined;
  /** By the inode of a namespace and the number that it has for another one. */
  readonly #behind = new Map<string, Site | undefined>();

  constructor(dataDir: string | undefined) {
    this.#dataDir = dataDir;
    const own = openOwnNetns();
    this.host = new Site("host", own, true);
    this.#sites.set(own.inode, this.host);
  }

  get entries(): readonly Entry[] {
    this.#entries ??= entries({ dataDir: this.#dataDir });
    return this.#entries;
  }

  /** Takes an open namespace. `name`: as a person calls it. */
  site(netns: Netns, name: string): Site {
    const known = this.#sites.get(netns.inode);
    if (known !== undefined) {
      closeNetns(netns);
      return known;
    }
    const site = new Site(`namespace ${name}`, netns, false);
    this.#sites.set(netns.inode, site);
    return site;
  }

  /** The namespace with this address; undefined if none has it. */
  siteWith(address: Uint8Array): Site | undefined {
    for (const site of this.#sites.values()) if (site.holds(address)) return site;
    const seen = new Set<number>();
    for (const link of this.host.links) {
      const id = link.peerNetnsId;
      if (id === undefined || seen.has(id)) continue;
      seen.add(id);
      const isThere = this.host.across(link)?.addresses.some((one) => Buffer.compare(one, address) === 0);
      if (isThere) return this.peerOf(this.host, link)?.site;
    }
    return this.#search((site) => site.holds(address) !== undefined);
  }

  peerOf(site: Site, link: SiteLink): { readonly site: Site; readonly link: SiteLink } | undefined {
    const { peerNetnsId: id, peerIndex } = link;
    if (peerIndex === undefined) return undefined;
    const other = id === undefined ? site : this.#siteBehind(site, id, link);
    const end = other?.link(peerIndex);
    return other && end && { site: other, link: end };
  }

  #siteBehind(site: Site, id: number, link: SiteLink): Site | undefined {
    const key = `${site.netns.inode} ${id}`;
    if (!this.#behind.has(key)) {
      const isIt = (one: Site) => one !== site && site.idOf(one.netns) === id;
      const found = [...this.#sites.values()].find(isIt) ?? this.#attachedBy(site, link, isIt) ?? this.#search(isIt);
      this.#behind.set(key, found);
    }
    return this.#behind.get(key);
  }

  /** The namespace that the store names for the host's end of a veth: no other has to be opened. */
  #attachedBy(site: Site, link: SiteLink, isMeant: (site: Site) => boolean): Site | undefined {
    if (!site.isHost) return undefined;
    const entry = this.entries.find(({ hostLink }) => hostLink === link.name);
    return entry && this.#opened(entry.netnsPath, shortName(entry.netnsPath, entry.attachment.container), isMeant);
  }

  /** Opens the namespaces of the machine one after another until one is meant. */
  #search(isMeant: (site: Site) => boolean): Site | undefined {
    this.#holders ??= [...everyHolder().values()];
    for (const { paths, names, processes } of this.#holders) {
      const [path = ""] = paths;
      const found = this.#opened(path, names[0] ?? shortName(path, `pid:${processes[0]?.pid}`), isMeant);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Undefined if it is not there, not meant, or known already. */
  #opened(path: string, name: string, isMeant: (site: Site) => boolean): Site | undefined {
    const netns = openIfPresent(path);
    if (netns === undefined) return undefined;
    if (this.#sites.has(netns.inode)) {
      closeNetns(netns);
      return undefined;
    }
    const site = new Site(`namespace ${name}`, netns, false);
    if (isMeant(site)) {
      this.#sites.set(netns.inode, site);
      return site;
    }
    site.close();
    return undefined;
  }

  attachedTo(site: Site): readonly Attached[] {
    return this.entries
      .filter(({ netnsInode }) => netnsInode === site.netns.inode)
      .map((entry) => ({
        addresses: stepsOf(entry).flatMap((step) => {
          const { address } = givenBy(step);
          return address?.where === "container" ? [address.cidr] : [];
        }),
        routes: stepsOf(entry).flatMap((step) => {
          const { dst, gw, mtu, table = mainTable } = givenBy(step).route ?? {};
          return dst !== undefined && gw !== undefined && table === mainTable ? [{ dst, gw, mtu }] : [];
        }),
        ifname: entry.attachment.ifname,
        mac: entry.mac,
        again: commandAgain(entry),
        isMasqueraded: masqueradesOf(entry).length > 0,
        isMasqueradeLost: () => isLost(masqueradesOf(entry)),
        hostLink: entry.hostLink,
        bridge: bridgeOf(entry),
      }));
  }

  published(): ReturnType<World["published"]> {
    if (this.#published === undefined) {
      using store = openedStore(this.#dataDir);
      using kernel = openKernel();
      const { ports, lost } = everyPort(store, kernel);
      const lostPorts = lost.flatMap((entry) =>
        stepsOf(entry).flatMap((step) => (givenBy(step).publishes ?? []).map(({ hostPort }) => hostPort)),
      );
      this.#published = { ports, lost: lostPorts };
    }
    return this.#published;
  }

  /** The namespaces that were looked at. */
  get sites(): readonly Site[] {
    return [...this.#sites.values()];
  }

  /** False if the rules of a namespace changed while they were read. */
  get isUnchanged(): boolean {
    return [...this.#sites.values()].every((site) => site.isUnchanged);
  }

  close(): void {
    for (const site of this.#sites.values()) site.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
