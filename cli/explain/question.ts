/** FROM and TO of `ns-net explain` and `ns-net trace` as a question. */
import { type Question, versionOf } from "../../explain/path/world.ts";
import { UsageError } from "../command.ts";
import { typedCure } from "../labs/cures.ts";
import { askedIn } from "./asked.ts";
import { Machine } from "./machine.ts";
import { labHint, partyOf } from "./party.ts";

/** The machine that is asked about. Throws UsageError if a lab of an ordinary user is meant, who may not look at the machine. */
export function machineFor([from = "", to = ""]: readonly string[], dataDir: string | undefined): Machine {
  try {
    return new Machine(dataDir);
  } catch (error) {
    const inLab = process.geteuid!() === 0 ? undefined : (labHint(from) ?? labHint(askedIn(to).place));
    throw inLab === undefined ? error : new UsageError(`the machine is for root to look at; ${inLab}`);
  }
}

/** `isIpv6`: where a name has addresses of both families. Throws UsageError. */
export function questionOf(machine: Machine, operands: readonly string[], isIpv6 = false): Question {
  const [fromWords, toWords] = operands as [string, string];
  const { place, port, protocol } = askedIn(toWords);
  if (/^(?!pid:|container:)[^/[\]:]+:\d/.test(fromWords))
    throw new UsageError(`cannot use ${JSON.stringify(fromWords)} as FROM: only TO has a port`);
  const from = partyOf(fromWords, machine, "sender");
  const to = partyOf(place, machine, "receiver");
  if (from.is === "outside" && to.is === "outside")
    throw new UsageError(
      "FROM and TO are both outside this machine: name a namespace, host or an address as one of them",
    );
  if (from.is === "address" && from.site === undefined) {
    throw new UsageError(`no namespace here has the address ${fromWords}; see: ${typedCure("ns-net ns ls")}`);
  }
  return { from, to, version: isIpv6 ? 6 : versionOf(machine, from, to), port, protocol };
}
