/** Gives the IPAM access to the host, to take over leases of the reference's host-local. */
import { closeSync, constants, openSync } from "node:fs";
import type { Attachment } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import { makesBridge, type PluginType } from "../../conf/pluginType.ts";
import { release } from "../../ipam/hostLocal/reservations.ts";
import type { Adoption } from "../../ipam/ipam.ts";
import { addressesElsewhere } from "../../kernel/addresses.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { thisProcess } from "../../store/index.ts";
import { mayBlock } from "../../sys/sharedProcess.ts";
import { tryLock } from "../../sys/sysRare.ts";
import { isReplaced } from "./replaced.ts";

/** host-local holds its lock for some milliseconds. */
const lockPatienceMs = 10_000;
const lockPauseMs = 2;

/** Where the attachments are, as far as the configuration of a call says it. */
interface Place {
  readonly type?: PluginType;
  readonly bridge: string;
}

export function adoption(kernel: Kernel, { type, bridge }: Place): Adoption {
  let namespaces: ReturnType<typeof addressesElsewhere> | undefined;
  return {
    lock,
    release,
    isReplaced: (entry, reserved) => isReplaced(entry, reserved, kernel),
    // An IPAM that is called by its name does not know what its caller makes.
    portsOf: makesBridge(type) ? bridge : undefined,
    entryOf(attachment: Attachment, addresses) {
      namespaces ??= addressesElsewhere(kernel);
      const [first = ""] = addresses;
      const netns = namespaces.get(first);
      return {
        attachment,
        netnsPath: netns?.path ?? "",
        netnsDevice: netns?.device ?? 0n,
        netnsInode: netns?.inode ?? 0n,
        netnsCookie: netns?.cookie ?? 0n,
        ...thisProcess(),
        bridge,
        hostLink: hostLinkName(attachment),
        ipamType: "", // DEL asks the configuration
      };
    },
  };
}

function lock(path: string): Disposable {
  const fd = openSync(path, constants.O_RDONLY | constants.O_CREAT, 0o600);
  const startMs = performance.now();
  while (!tryLock(fd)) {
    if (performance.now() - startMs > lockPatienceMs) {
      closeSync(fd);
      throw new Fault(
        code.tryAgain,
        `Cannot take over the leases of host-local: another process held ${path} for more than ${lockPatienceMs / 1000} s`,
        `See which one with: fuser ${path}`,
      );
    }
    mayBlock(`wait for the lock ${path}`);
    Bun.sleepSync(lockPauseMs);
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
