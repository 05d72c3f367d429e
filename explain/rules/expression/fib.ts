/** fib: asks the routing tables about an address of the packet. NFTA_FIB_F_*, NFT_FIB_RESULT_*; nft_fib_ipv4.c. */
import { fib } from "../../../netlink/nft/expr/fib.ts";
import { addressOf, type Device, versionOf } from "../packet.ts";
import { number32 } from "./numbers.ts";
import type { RuleRun, Step } from "./rule.ts";

const flag = { source: 1, destination: 2, mark: 4, input: 8, output: 16, present: 32 } as const;
const result = { outputIndex: 1, outputName: 2, addressType: 3 } as const;
const nameBytes = 16;

export function evaluateFib(data: Uint8Array, { passage, registers }: RuleRun): Step {
  const { flags = 0, result: wanted = 0, destination = 0 } = fib.get(data);
  const { packet, input, output, surroundings } = passage;
  if (versionOf(packet) === undefined) return "break";
  const isSource = (flags & flag.source) !== 0;
  const address = addressOf(packet, isSource ? "source" : "destination");
  const link = flags & flag.input ? input : flags & flag.output ? output : undefined;
  const words = `fib ${isSource ? "saddr" : "daddr"}`;
  if (wanted === result.addressType) {
    const type = surroundings.addressType(address, link);
    if (type === undefined) registers.writeUnknown(destination, 4, `${words} type`);
    else registers.write(destination, number32(type));
    return undefined;
  }
  const found = surroundings.linkTo({
    address,
    mark: flags & flag.mark ? packet.mark : 0,
    input: flags & flag.input ? input : undefined,
    output: flags & flag.output ? output : undefined,
  });
  const isPresence = (flags & flag.present) !== 0;
  const length = wanted === result.outputName && !isPresence ? nameBytes : 4;
  if (found === undefined) registers.writeUnknown(destination, length, `${words} oif`);
  else registers.write(destination, foundBytes(found, wanted, isPresence));
  return undefined;
}

function foundBytes(found: Device | null, wanted: number, isPresence: boolean): Uint8Array {
  if (isPresence) return number32(found === null ? 0 : 1);
  if (wanted === result.outputIndex) return number32(found?.index ?? 0);
  const out = new Uint8Array(nameBytes);
  out.set(new TextEncoder().encode(found?.name ?? ""));
  return out;
}
