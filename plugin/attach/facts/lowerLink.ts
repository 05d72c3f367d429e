/** The lower link of types whose interface is on top of another one, or a host device. Reads only. */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { attachmentText } from "../../../conf/attachment.ts";
import type { InterfaceKeys, NetworkConfig } from "../../../conf/config/config.ts";
import { code, Fault } from "../../../conf/fault.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { ethernetMtu, uplink } from "../../../kernel/routes.ts";
import { type Link, listLinks } from "../../../netlink/route/link.ts";
import type { Facts, LowerLink } from "../../../plan/facts.ts";
import { interfaceType } from "../../../plan/types.ts";
import { stepsOf } from "../../../step/index.ts";
import defer * as hostDevice from "../../../step/link/hostDevice.ts";
import { openExisting } from "../../recovery/openStore.ts";

export function readLowerLink(config: NetworkConfig, ifname: string, kernel: Kernel): Facts {
  if (config.link!.selinuxContext) refuseLabel(config.link!.selinuxContext);
  const lower = belowOf(config, kernel);
  const mtu = config.type === "host-device" ? undefined : config.mtu; // a host device keeps its own
  return {
    bridge: undefined,
    interfaceMtu: mtu ?? lower?.link?.mtu ?? ethernetMtu,
    isIfnameTaken: kernel.link("container", ifname) !== undefined,
    lower,
  };
}

/** For STATUS, as far as it can be checked without a container. Throws Fault (code.unavailable). */
export function refuseUnready(config: NetworkConfig, kernel: Kernel): void {
  const isOfContainer = config.link!.linkInContainer || (config.type === "ipvlan" && !config.link!.master);
  const lower = isOfContainer ? undefined : belowOf(config, kernel);
  if (!lower) return;
  try {
    interfaceType(config.type).refuse?.(config, { bridge: undefined, interfaceMtu: 0, isIfnameTaken: false, lower });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw error.withCode(code.unavailable);
  }
}

function belowOf(config: NetworkConfig, kernel: Kernel): LowerLink | undefined {
  switch (config.type) {
    case "macvlan":
    case "ipvlan":
    case "vlan":
      return master(config, kernel);
    case "host-device":
      return device(config, kernel);
    default:
      return undefined;
  }
}

function master({ link, type, prevResult }: NetworkConfig, kernel: Kernel): LowerLink {
  const where = link!.linkInContainer ? "container" : "host";
  // An ipvlan may be chained after the plugin that created its master.
  const [before, ...more] = (type === "ipvlan" && prevResult?.interfaces) || [];
  const name = link!.master ?? (more.length === 0 ? before?.name : undefined);
  if (name) return { name, where, link: kernel.link(where, name) };
  const found = uplink(kernel, where);
  return { name: found?.name, where, link: found };
}

function device({ link, dataDir }: NetworkConfig, kernel: Kernel): LowerLink {
  const userSpaceDriver = userSpaceDriverOf(link!.device!);
  if (userSpaceDriver !== undefined) return { name: undefined, where: "host", link: undefined, userSpaceDriver };
  const found = deviceLink(link!.device!, kernel);
  const name = found?.name ?? (link!.device!.key === "device" ? link!.device!.value : undefined);
  const elsewhere = found || name === undefined ? undefined : holderOf(name, dataDir, kernel);
  return { name, where: "host", link: found, elsewhere };
}

function deviceLink({ key, value }: NonNullable<InterfaceKeys["device"]>, kernel: Kernel): Link | undefined {
  const named = (folder: string) => {
    const name = firstIn(join(folder, "net"));
    return name === undefined ? undefined : kernel.link("host", name);
  };
  switch (key) {
    case "device":
      return kernel.link("host", value);
    case "hwaddr":
      return listLinks(kernel.route("host")).find(({ address }) => address === value);
    case "kernelpath":
      return named(value);
    default:
      return busFolders(key, value).map(named).find(Boolean);
  }
}

const [pciFolder, auxiliaryFolder] = ["/sys/bus/pci/devices", "/sys/bus/auxiliary/devices"];

/** The interface of a virtio device is one folder further down. */
function busFolders(key: string, value: string): string[] {
  const pci = join(pciFolder, value);
  if (!existsSync(pci)) return key === "deviceID" ? [join(auxiliaryFolder, value)] : [];
  const virtio = readdirSync(pci).filter((name) => name.startsWith("virtio"));
  return [pci, ...virtio.map((name) => join(pci, name))];
}

/** Drivers that hand a device to a program in user space. */
const userSpaceDrivers = ["vfio-pci", "uio_pci_generic", "igb_uio"];

function userSpaceDriverOf({ key, value }: NonNullable<InterfaceKeys["device"]>): string | undefined {
  if (key !== "pciBusID" && key !== "deviceID") return undefined;
  const path = join(pciFolder, value, "driver");
  const driver = existsSync(path) ? basename(readlinkSync(path)) : "";
  return userSpaceDrivers.includes(driver) ? driver : undefined;
}

/**
 * Without SELinux the context has no effect, as in the reference. With it, an interface gets the label of the process
 * that creates it.
 */
function refuseLabel(context: string): void {
  if (!existsSync("/sys/fs/selinux/enforce")) return;
  throw new Fault(
    code.unsupportedField,
    `Cannot use selinuxContext = ${JSON.stringify(context)}: ns-net labels nothing, and this host has SELinux`,
    "Leave selinuxContext out, or use the reference's tap plugin for this network",
  );
}

function firstIn(folder: string): string | undefined {
  try {
    return readdirSync(folder).sort()[0];
  } catch {
    return undefined;
  }
}

function holderOf(name: string, dataDir: string, kernel: Kernel): string | undefined {
  using store = openExisting({ dataDir }, kernel);
  const holder = store?.entries().find((entry) => stepsOf(entry).some((step) => hostDevice.isLending(name, step)));
  return holder && `${attachmentText(holder.attachment)} has it`;
}
