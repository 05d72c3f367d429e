/** Finds the namespaces of interfaces that the kernel named: many namespaces have an eth0. */
import type { Site, SiteLink } from "../path/site/site.ts";
import type { World } from "../path/world.ts";
import type { Journey, Sighting } from "./journey.ts";

export interface Located extends Sighting {
  /** Absent: a namespace that was not looked at. */
  readonly site: Site | undefined;
}

export interface LocatedJourney extends Omit<Journey, "sightings"> {
  readonly sightings: readonly Located[];
}

type LocatingWorld = Pick<World, "peerOf"> & { readonly sites: readonly Site[] };

/** Journeys in the order of time, the first of which began at `sender`. */
export function locate(world: LocatingWorld, sender: Site, journeys: readonly Journey[]): LocatedJourney[] {
  const last = new Map<Journey, Located>();
  const found = new Map<Journey, Located[]>(journeys.map((one) => [one, []]));
  let latest: Located = { is: "came", device: "", timeUs: 0, pid: 0, site: sender };
  const all = journeys.flatMap((journey) => journey.sightings.map((sighting) => ({ journey, sighting })));
  for (const { journey, sighting } of all.sort((a, b) => a.sighting.timeUs - b.sighting.timeUs)) {
    const before = last.get(journey) ?? latest;
    const located = { ...sighting, site: siteOf(world, before, sighting) };
    found.get(journey)!.push(located);
    last.set(journey, located);
    latest = located;
  }
  return journeys.map((one) => ({ ...one, sightings: found.get(one)! }));
}

function siteOf(world: LocatingWorld, before: Located, { is, device }: Sighting): Site | undefined {
  const { site } = before;
  if (is === before.is && device === before.device) return site;
  if (site === undefined) return anySite(world, device);
  const link = linkOf(site, before.device);
  if (is === "came" && before.is === "sent" && link !== undefined) {
    const peer = world.peerOf(site, link);
    if (peer?.link.name === device) return peer.site;
  }
  return linkOf(site, device) === undefined ? anySite(world, device) : site;
}

const linkOf = (site: Site, device: string): SiteLink | undefined => site.links.find(({ name }) => name === device);

/** The only namespace of the path with such an interface. */
function anySite({ sites }: LocatingWorld, device: string): Site | undefined {
  const having = sites.filter((site) => linkOf(site, device) !== undefined);
  return having.length === 1 ? having[0] : undefined;
}
