/** Describes who asks about a lab from outside of it, for the command that answers inside. */
import { resolve } from "node:path";
import { type InspectedLab, labMeant, live, running } from "../../lab/supervisor/client.ts";
import type { LabState } from "../../lab/supervisor/state.ts";
import { netnsFolder } from "../../sys/netns.ts";
import type { Asker } from "./cures.ts";

/** `host` answers, and `dataDir` has its attachments. */
export async function askerOf(
  state: LabState,
  { hosts, pods, outside }: InspectedLab,
  host: string,
  dataDir: string,
): Promise<Asker> {
  return {
    at: hosts.length === 1 ? state.lab : `${state.lab}/${host}`,
    host,
    option: labMeant(resolve("lab.yaml"))?.lab === state.lab ? [] : ["--lab", state.lab],
    holders: [...pods, ...hosts, ...(outside ? [outside] : [])].map(({ name }) => name).filter((one) => one !== host),
    dataDir,
    down: await downBy(state),
  };
}

/** The command that would bring up each link that `lab impair` took down, and the place as `lab impair` names it. */
async function downBy(state: LabState): Promise<Record<string, string>> {
  const { interfaces } = await live(state);
  const impaired = interfaces.filter(({ impairments: { in: received, out } }) => received.down || out.down);
  if (impaired.length === 0) return {};
  const { links } = (await running(state)).lab;
  return Object.fromEntries(
    impaired.flatMap(({ pod, ifname, hostLink }) => {
      const isOnly = interfaces.filter((one) => one.pod === pod).length === 1;
      const place = isOnly ? pod : `${pod}@${ifname}`;
      if (hostLink !== null) return [[`ip link set ${hostLink} up`, place]];
      const ends = links.find((link) => link.ends.some((end) => end.pod === pod && end.name === ifname))?.ends ?? [];
      const other = ends.find((end) => end.pod !== pod || end.name !== ifname);
      return other ? [[`nsenter --net=${netnsFolder}/${other.pod} ip link set ${other.name} up`, place]] : [];
    }),
  );
}
