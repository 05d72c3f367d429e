/** A lab as sections of a script, each with steps in one namespace: in the order in which world/change.ts makes them. Pure. */
import { code, Fault } from "../../conf/fault.ts";
import { formatAddress, formatCidr } from "../../ip/address.ts";
import type { Step } from "../../step/index.ts";
import { shellWord } from "../../step/shellWords.ts";
import { uplink } from "../model/hosts.ts";
import type { Target } from "../model/impair.ts";
import type { Host, Lab, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { type Attaching, attachingsOf, underlayAttachings } from "../plan/configuration.ts";
import { acrossSteps, straySteps } from "../plan/hosts.ts";
import { type Ends, impairSteps, type Settings } from "../plan/impair.ts";
import { impairedBy } from "../plan/impaired.ts";
import { linkRouteSteps, linkSteps } from "../plan/links.ts";
import { hostSteps, outsideSteps, podSteps, sysctlSteps, underlaySteps } from "../plan/steps.ts";
import { hostLinkOf } from "../world/interfaces.ts";
import { planned } from "./planned.ts";

export interface Section {
  /** A line for people; empty for the second section of one thing. */
  readonly about: string;
  /** Further lines for people, behind the commands. */
  readonly notes?: readonly string[];
  /** The namespace that is made first. */
  readonly makes?: string;
  /** The namespace of the steps whose place is the host: a path below /run/netns. */
  readonly namespace: string;
  /** The namespace of the others. */
  readonly netns: string;
  readonly steps: readonly Step[];
}

/** The store of the plugin, of which a script has none: a word in aliases of links. */
const dataDir = "/run/lab-script";

/** Throws Fault for a configuration that the plugin refuses. */
export function sectionsOf(lab: Lab, pathOf: (name: string) => string): Section[] {
  const attached = new Attached(lab, pathOf);
  const ownPods = lab.pods.filter(({ joins }) => joins === undefined);
  return [
    ...hostSections(lab, pathOf),
    ...(lab.outside ? [outsideSection(pathOf)] : []),
    ...connections(lab, attached, pathOf),
    ...ownPods.flatMap((pod) => podSections(pod, lab, attached, pathOf)),
    ...lab.hosts.map((host) =>
      inOne(`${host.name}: addresses outside of its parts of networks`, pathOf(host.name), straySteps(lab, host)),
    ),
    ...linkSections(lab, pathOf),
    ...impairSections(lab, attached, pathOf),
  ].filter(({ makes, steps, notes = [] }) => makes !== undefined || steps.length > 0 || notes.length > 0);
}

/** The namespaces that a script of the lab makes, by name of host, pod and outside. */
export function namespacesOf(lab: Lab): string[] {
  const { hosts, pods, outside, underlay } = lab;
  const own = pods.filter(({ joins }) => joins === undefined).map(({ name }) => name);
  return [
    ...(underlay ? [underlayNameOf(lab)] : []),
    ...hosts.map(({ name }) => name),
    ...(outside ? ["outside"] : []),
    ...own,
  ];
}

/** No pod and no host has a name with a dot. */
const underlayNameOf = ({ hosts, pods }: Lab) =>
  [...hosts, ...pods].some(({ name }) => name === "underlay") ? "underlay.0" : "underlay";

/** The plans of all interfaces, each made once. */
class Attached {
  readonly #all: readonly { readonly of: Attaching; readonly steps: readonly Step[]; readonly hostLink: string }[];

  constructor(lab: Lab, pathOf: (name: string) => string) {
    const all = [...underlayAttachings(lab, dataDir), ...attachingsOf(lab, dataDir)];
    this.#all = all.map((of) => {
      const { steps, result } = planned(of, pathOf(of.pod), lab);
      return { of, steps, hostLink: hostLinkOf(result) };
    });
  }

  stepsOf(pod: string): Step[] {
    return this.#all.filter(({ of }) => of.pod === pod).flatMap(({ steps }) => steps);
  }

  hostLinkOf({ pod, ifname }: Target): string {
    return this.#all.find(({ of }) => of.pod === pod && of.ifname === ifname)?.hostLink ?? "";
  }
}

/** Steps in one namespace, without another. */
function inOne(about: string, namespace: string, steps: readonly Step[]): Section {
  return { about, namespace, netns: namespace, steps };
}

function making(about: string, namespace: string, steps: readonly Step[]): Section {
  return { ...inOne(about, namespace, steps), makes: namespace };
}

function hostSections(lab: Lab, pathOf: (name: string) => string): Section[] {
  const { underlay } = lab;
  const about = (host: Host) =>
    underlay
      ? `${host.name}: a machine, ${host.addresses.map(formatAddress).join(" ")} on the underlay`
      : "host: the machine that the pods are on";
  return [
    ...(underlay
      ? [
          making(
            "The underlay between the hosts: a bridge in a namespace of its own",
            pathOf(underlayNameOf(lab)),
            underlaySteps(),
          ),
        ]
      : []),
    ...lab.hosts.map((host) => making(about(host), pathOf(host.name), hostSteps(lab, host))),
  ];
}

function outsideSection(pathOf: (name: string) => string): Section {
  const path = pathOf("outside");
  return {
    ...making("outside: the rest of the world", path, podSteps(undefined, "host")),
    notes: ["In a lab outside serves http:80."],
  };
}

/** From the hosts to outside and to each other. */
function connections(lab: Lab, attached: Attached, pathOf: (name: string) => string): Section[] {
  const { underlay, hosts, outside } = lab;
  const between = pathOf(underlay ? underlayNameOf(lab) : hosts[0]!.name);
  const ends = [...(underlay ? hosts.map(({ name }) => name) : []), ...(outside ? ["outside"] : [])];
  const link = underlay ? uplink : attached.hostLinkOf({ pod: "outside", ifname: uplink });
  const toOutside = outside ? outsideSteps(lab, link) : [];
  return [
    ...ends.map(
      (name): Section => ({
        about: `The link of ${name}`,
        namespace: between,
        netns: pathOf(name),
        steps: attached.stepsOf(name),
      }),
    ),
    ...hosts.map((host) =>
      inOne(`${host.name}: the way to others`, pathOf(host.name), [...acrossSteps(lab, host), ...toOutside]),
    ),
  ];
}

function podSections(pod: Pod, lab: Lab, attached: Attached, pathOf: (name: string) => string): Section[] {
  const path = pathOf(pod.name);
  const joining = lab.pods.filter(({ joins }) => joins === pod.name);
  return [
    making(aboutPod(pod), path, podSteps(pod, "host")),
    {
      ...{ about: "", namespace: pathOf(pod.host), netns: path, steps: attached.stepsOf(pod.name) },
      notes: [pod, ...joining].flatMap((one) => processesOf(one, path)),
    },
  ];
}

function aboutPod({ name, forwards, interfaces, publish }: Pod): string {
  const on = interfaces.map((one) => `${one.name} on ${one.network} ${one.addresses.map(formatCidr).join(" ")}`);
  const ports = publish.map(
    ({ hostPort, podPort, protocol }) => `port ${hostPort} of its host leads to ${podPort}/${protocol}`,
  );
  return [`${name}: ${forwards ? "a router" : "a pod"}`, ...on, ...ports].join("; ");
}

/** Servers and commands, which a script does not start. */
function processesOf({ name, serve, run, env, joins }: Pod, path: string): string[] {
  const enter = `ip netns exec ${shellWord(path.slice(path.lastIndexOf("/") + 1))}`;
  const servers = serve.map(({ kind, port }) => `${kind}:${port}`).join(", ");
  const variables = Object.entries(env).map(([key, value]) => shellWord(`${key}=${value}`));
  const words = [enter, ...(variables.length > 0 ? ["env", ...variables] : []), "sh -c"].join(" ");
  return [
    ...(joins === undefined ? [] : [`${name} joins ${joins}: it uses this network.`]),
    ...(servers ? [`In a lab ${name} serves ${servers}. Start servers by: ${enter} …`] : []),
    ...(run === undefined ? [] : [`In a lab ${name} runs:`, `  ${words} ${shellWord(run)}`]),
  ];
}

/** Links, routes through them, and settings that may be those of their interfaces. */
function linkSections(lab: Lab, pathOf: (name: string) => string): Section[] {
  const links = lab.links.map((link): Section => {
    const [one, other] = link.ends;
    const ends = link.ends.map(({ pod, addresses }) => [pod, ...addresses.map(formatCidr)].join(" "));
    return {
      about: `A link between ${ends.join(" and ")}`,
      namespace: pathOf(one.pod),
      netns: pathOf(other.pod),
      steps: linkSteps(lab, link),
    };
  });
  const pods = lab.pods.filter(({ joins }) => joins === undefined);
  return [
    ...links,
    ...pods.map((pod) => {
      const steps = [...linkRouteSteps(endsOf(lab.links, pod.name), pod, "host"), ...sysctlSteps(pod, "host")];
      return inOne(`${pod.name}: routes through links, and settings`, pathOf(pod.name), steps);
    }),
  ];
}

function impairSections(lab: Lab, attached: Attached, pathOf: (name: string) => string): Section[] {
  return [...impairedBy(lab).values()].flatMap(({ target, settings }) => {
    const { ends, own, other } = endsAt(target, lab, attached, pathOf);
    const placed = stepsOf(ends, settings);
    const at = (end: "own" | "other") => placed.filter((one) => one.end === end).map(({ step }) => step);
    const about = `Impairments of ${target.ifname} of ${target.pod}`;
    return [inOne(about, own, at("own")), inOne(`${about}, at the other end of its link`, other, at("other"))];
  });
}

/** By netem only what needs it: kernels without it know rate, loss and down. */
function stepsOf(ends: Ends, settings: Settings) {
  try {
    return impairSteps(ends, settings, false);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== code.unavailable) throw error;
    return impairSteps(ends, settings, true);
  }
}

/** Both ends of an interface, and the namespaces that they are in. */
function endsAt(target: Target, lab: Lab, attached: Attached, pathOf: (name: string) => string) {
  const { pod, ifname } = target;
  const own = pathOf(pod);
  for (const link of lab.links) {
    const place = link.ends.findIndex((end) => end.pod === pod && end.name === ifname);
    const far = link.ends[1 - place];
    if (place >= 0 && far) return { ends: { own: ifname, other: far.name }, own, other: pathOf(far.pod) };
  }
  // A host is impaired on the underlay.
  const host = lab.pods.find(({ name }) => name === pod)?.host ?? underlayNameOf(lab);
  return { ends: { own: ifname, other: attached.hostLinkOf(target) }, own, other: pathOf(host) };
}
