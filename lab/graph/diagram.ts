/**
 * A lab as a picture without a place for anything: nodes, edges between them, and the state of each. Every format is a
 * reading of this value. Pure data; texts are as they are shown.
 */

/** By the last run of `lab test`: `failed` if one test from or to it failed. `none` of a lab that is down. */
export type Verdict = "passed" | "failed" | "untested" | "none";

export interface Diagram {
  readonly lab: string;
  /** Whether it shows a lab that is up, or its file. */
  readonly isUp: boolean;
  readonly outside: OutsideNode | undefined;
  /** The network between several hosts. */
  readonly underlay: UnderlayNode | undefined;
  /** The groups: each network and pod names its host. */
  readonly hosts: readonly HostNode[];
  readonly networks: readonly NetworkNode[];
  /** Pods and routers. */
  readonly pods: readonly PodNode[];
  readonly edges: readonly Edge[];
  /** In the order of the file. */
  readonly tests: readonly TestLine[];
}

interface Node {
  /** Unique in the diagram, of `[a-z0-9-_]`. */
  readonly id: string;
  readonly name: string;
}

export interface OutsideNode extends Node {
  readonly addresses: readonly string[];
  readonly verdict: Verdict;
}

export interface UnderlayNode extends Node {
  /** `VXLAN`, `mtu 1500` */
  readonly notes: readonly string[];
}

export interface HostNode extends Node {
  /** On the side of outside. */
  readonly addresses: readonly string[];
  /** For its pods: `forwards`, `NAT`. */
  readonly notes: readonly string[];
  /** At its interface on the underlay. */
  readonly impairments: readonly string[];
  readonly verdict: Verdict;
}

/** The bridge of a network on one host, with that host's part of the network. */
export interface NetworkNode extends Node {
  readonly host: string;
  readonly bridge: string;
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string | undefined }[];
  /** `NAT`, `internal`, `isolated`, `no gateway`, `mtu 1400`. */
  readonly notes: readonly string[];
}

export interface PodNode extends Node {
  readonly host: string;
  readonly isRouter: boolean;
  /** The id of the pod whose network this one uses. */
  readonly joins: string | undefined;
  readonly interfaces: readonly Port[];
  /** `http:80` */
  readonly serves: readonly string[];
  /** `8080 → 80`, from a port of the host to one of the pod. */
  readonly publishes: readonly string[];
  readonly verdict: Verdict;
  /** Its first process has ended. */
  readonly isDead: boolean;
  /** How its command does; undefined without one, or if the lab is down. */
  readonly run: "running" | "done" | "failed" | undefined;
}

/** An interface of a pod: one end of a veth pair. */
export interface Port {
  /** That of its edge. */
  readonly id: string;
  readonly name: string;
  readonly addresses: readonly string[];
  /** `rate 10mbit`, `in: loss 1%`, `down` */
  readonly impairments: readonly string[];
  readonly isDown: boolean;
}

/**
 * `attachment`: a veth pair from a bridge to a pod. `link`: between two pods. `gateway`: from the host to a bridge on which it has an
 * address. `uplink`: from outside to the only host, or to the underlay, and from there to each host.
 */
export interface Edge {
  readonly id: string;
  readonly kind: "attachment" | "link" | "gateway" | "uplink";
  readonly ends: readonly [EdgeEnd, EdgeEnd];
  readonly impairments: readonly string[];
  readonly isDown: boolean;
}

export interface EdgeEnd {
  /** The id of its node. */
  readonly node: string;
  /** The interface; undefined if nothing runs, so that the kernel gave no name yet. */
  readonly ifname: string | undefined;
  readonly addresses: readonly string[];
}

export interface TestLine {
  readonly test: string;
  /** The ids of nodes; undefined for an address that is none of theirs. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly verdict: Verdict;
  /** Why it failed: what was found, and how. */
  readonly why: string | undefined;
}

/** The hosts, networks and pods that are on one host, in the order of the file. */
export const onHost = <One extends { readonly host: string }>(all: readonly One[], host: HostNode): One[] =>
  all.filter((one) => one.host === host.id);
