/** Shared by the tests of this folder: a temporary folder, and requests and entries with defaults. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Attachment } from "../../conf/attachment.ts";
import type { IpamConfig, NetworkConfig, RangeSet, StoreIpamConfig } from "../../conf/config/config.ts";
import type { DeleteRequest, Request, StatusRequest } from "../../conf/request.ts";
import { pidNamespace } from "../../store/claim.ts";
import type { NewEntry } from "../../store/entry.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";

/** A folder that is removed with the test: `using folder = freshFolder()`. */
export function freshFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "ns-net-ipam-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A new store in a new folder. */
export function freshStore(): { store: Store; dataDir: string } & Disposable {
  const folder = freshFolder();
  const store = openStore(folder.path);
  return {
    store,
    dataDir: folder.path,
    [Symbol.dispose]: () => {
      store.close();
      folder[Symbol.dispose]();
    },
  };
}

export function attachmentOf(container: string, network = "podnet", ifname = "eth0"): Attachment {
  return { network, container, ifname };
}

export function entryOf(attachment: Attachment, change: Partial<NewEntry> = {}): NewEntry {
  return {
    attachment,
    netnsPath: `/run/netns/${attachment.container}`,
    netnsDevice: 4n,
    netnsInode: 4026532000n,
    netnsCookie: 0n,
    bootId: "00000000-0000-4000-8000-000000000001",
    pid: process.pid,
    pidStart: 18_446_744_073_709_551_615n,
    call: "",
    pidNamespace: pidNamespace(),
    bridge: "cni0",
    hostLink: "nsn0123456789ab",
    ipamType: "ns-net",
    ...change,
  };
}

export function rangesConfig(...rangeSets: RangeSet[]): StoreIpamConfig {
  return { type: "ns-net", rangeSets, routes: [] };
}

export function networkOf(ipam: IpamConfig, change: Partial<NetworkConfig> = {}): NetworkConfig {
  return {
    cniVersion: "1.1.0",
    name: "podnet",
    type: "ns-net",
    bridge: "cni0",
    isGateway: true,
    isDefaultGateway: false,
    forceAddress: false,
    ipMasq: false,
    ip6Masq: false,
    hairpinMode: true,
    promiscMode: false,
    portIsolation: false,
    macspoofchk: false,
    enabledad: false,
    disableContainerInterface: false,
    vlanTrunk: [],
    preserveDefaultVlan: false,
    dataDir: "/nowhere",
    ipam,
    requestedAddresses: [],
    ...change,
  };
}

/** The input of a runtime; `stdin` and the environment matter only to delegates. */
export interface Call {
  readonly ipam: IpamConfig;
  readonly requested?: readonly string[];
  readonly pluginPath?: readonly string[];
  readonly stdin?: string;
}

export function requestOf(attachment: Attachment, call: Call): Request {
  const config = networkOf(call.ipam, { name: attachment.network, requestedAddresses: call.requested ?? [] });
  const netns = `/run/netns/${attachment.container}`;
  return { attachment, netns, config, mayBeOwnNetns: false, labels: {}, ...rawOf(attachment, call) };
}

export function deleteOf(attachment: Attachment, call: Call): DeleteRequest {
  const ipamType = call.ipam.type === "delegate" ? call.ipam.plugin : call.ipam.type;
  const identity = { network: attachment.network, cniVersion: "1.1.0", dataDir: "/nowhere", bridge: "cni0" } as const;
  return { ...identity, attachment, ipamType, netns: "", ...rawOf(attachment, call) };
}

export function statusOf(network: string, call: Call): StatusRequest {
  return { config: networkOf(call.ipam, { name: network }), ...rawOf(attachmentOf("none", network), call) };
}

function rawOf({ container, ifname }: Attachment, { pluginPath = [], stdin = "" }: Call) {
  const environment = {
    PATH: process.env.PATH,
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${container}`,
    CNI_IFNAME: ifname,
    CNI_PATH: pluginPath.join(":"),
  };
  return { pluginPath, raw: { environment, stdin } };
}
