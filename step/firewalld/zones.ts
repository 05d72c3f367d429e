/**
 * Sources in the runtime configuration of firewalld's zones; a reload or restart of firewalld removes them.
 * https://firewalld.org/documentation/man-pages/firewalld.dbus.html
 */
import { code, Fault } from "../../conf/fault.ts";
import { KernelError } from "../../sys/errors.ts";
import { Bus, BusError } from "./bus.ts";
import type { Source } from "./source.ts";

const firewalld = {
  destination: "org.fedoraproject.FirewallD1",
  path: "/org/fedoraproject/FirewallD1",
  interface: "org.fedoraproject.FirewallD1.zone",
} as const;

/** False also if this process may not call it. */
export function firewalldRuns(): boolean {
  try {
    using bus = Bus.connect();
    return bus?.has(firewalld.destination) ?? false;
  } catch (error) {
    if (error instanceof KernelError || error instanceof BusError) return false;
    throw error;
  }
}

/** False if it exists already. Throws Fault. */
export function addSource(source: Source): boolean {
  const answer = asked("addSource", source);
  if (answer === undefined) throw notRunning(source);
  if (answer instanceof BusError && !isRefusal(answer, "ZONE_ALREADY_SET", "ALREADY_ENABLED"))
    throw refused(source, answer);
  return !(answer instanceof BusError);
}

/** Absent is success, and so is a firewalld that does not run. Throws Fault. */
export function removeSource(source: Source): void {
  const answer = asked("removeSource", source);
  if (!(answer instanceof BusError)) return;
  // In another zone, it belongs to another program.
  const isAbsent = isRefusal(answer, "UNKNOWN_SOURCE", "NOT_ENABLED", "ZONE_CONFLICT", "INVALID_ZONE");
  if (!isAbsent) throw refused(source, answer);
}

/** False also if firewalld does not run. Throws Fault. */
export function hasSource(source: Source): boolean {
  const answer = asked("querySource", source);
  if (answer instanceof BusError && !isRefusal(answer, "INVALID_ZONE")) throw refused(source, answer);
  return answer === true;
}

/** Undefined if firewalld does not run. */
function asked(member: string, { zone, source }: Source): string | boolean | BusError | undefined {
  using bus = Bus.connect();
  if (!bus?.has(firewalld.destination)) return undefined;
  try {
    return bus.call({ ...firewalld, member, texts: [zone, source] }) ?? true;
  } catch (error) {
    if (error instanceof BusError) return error;
    throw error;
  }
}

function isRefusal({ message }: BusError, ...names: readonly string[]): boolean {
  return names.some((name) => message.startsWith(name));
}

function notRunning({ zone, source }: Source): Fault {
  return new Fault(
    code.tryAgain,
    `Cannot put ${source} into firewalld's zone ${zone}: firewalld does not run`,
    'Start it (systemctl start firewalld), or set backend to "iptables"',
  );
}

function refused({ zone, source }: Source, { message }: BusError): Fault {
  const cure = message.startsWith("INVALID_ZONE")
    ? "firewalldZone must be one of: firewall-cmd --get-zones"
    : `See which zone has it: firewall-cmd --get-zone-of-source=${source}`;
  return new Fault(code.config, `firewalld refuses ${source} in zone ${zone}: ${message}`, cure);
}
