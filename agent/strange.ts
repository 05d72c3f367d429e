/** Calls that the agent must not serve, because it would see something else than their caller. */
import { fileStatus } from "../sys/files.ts";
import { namespaceKind, namespaceTypeOf } from "../sys/libc.ts";
import type { Running } from "./calls.ts";
import { Declined, type HandedOver } from "./protocol.ts";

/** `descriptors` are those that came with the call. Throws Declined. */
export function runningOf(handedOver: HandedOver, descriptors: readonly number[], ownVersion: string): Running {
  const { version, id, mountNamespace, pidNamespace, networkNamespace, env } = handedOver;
  if (version !== ownVersion) {
    const cure = "restart the agent after an upgrade";
    throw new Declined("version", `its launcher is of version ${version}, and this agent of ${ownVersion}: ${cure}`);
  }
  // Delegates, resolvConf, the folder of host-local, iptables and D-Bus depend on the mounts; claims depend on the pids.
  if (mountNamespace !== ownInode("mnt")) throw new Declined("mounts", "its launcher is in another mount namespace");
  if (pidNamespace !== ownInode("pid")) throw new Declined("pids", "its launcher is in another PID namespace");
  for (const name of ofTheProcess)
    if (env[name] !== process.env[name])
      throw new Declined("environment", `${name} is ${env[name] ?? "not set"}, which the agent cannot follow`);
  if (networkNamespace !== ownInode("net"))
    throw new Declined("network", "its launcher is in another network namespace, which is its host");
  const [stdin, netns] = descriptors;
  if (stdin === undefined) throw new Declined("malformed", "the call came without standard input");
  // The kernel says of a namespace, too, that it is a regular file.
  if (!fileStatus(stdin).isRegular || namespaceTypeOf(stdin) !== undefined)
    throw new Declined("malformed", "standard input did not come as a file in memory");
  const path = env["CNI_NETNS"] ?? "";
  // It is gone, or is no namespace: the executable has the words for either.
  if (netns === undefined) return { id };
  if (namespaceTypeOf(netns) !== namespaceKind.net) throw new Declined("netns", `${path} is no network namespace`);
  return { id, netns: { path, fd: netns } };
}

/** Variables that code reads from its process, not from its call. */
const ofTheProcess = ["NSNET_DEBUG", "DBUS_SYSTEM_BUS_ADDRESS"];

const ownInode = (kind: "mnt" | "pid" | "net") => fileStatus(`/proc/self/ns/${kind}`).inode;
