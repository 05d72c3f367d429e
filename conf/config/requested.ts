/**
 * The addresses and the hardware address that a runtime or a person requests, from the three places where they may be.
 */
import { formatAddress, formatCidr, parseAddress, parseCidr } from "../../ip/address.ts";
import type { CniArgs } from "../args.ts";
import { badVariable } from "../env.ts";
import { badConfig, type Fault } from "../fault.ts";
import type { network } from "../schema/network.ts";
import type { Accepted } from "../schema/schema.ts";

export type GivenNetwork = Accepted<typeof network>;

/** A value, and the error that names its place. */
interface Asked {
  readonly value: string;
  refuse(mustBe: string): Fault;
}

const addressMustBe = "an address such as 10.1.0.7 or 10.1.0.7/24";

/**
 * The requested addresses for the store: those of all places together, each once, as in host-local. With
 * `args.cni.ips`, CNI_ARGS is ignored: "if both are given, ignore CNI_ARGS" (CONVENTIONS.md).
 */
export function requestedAddresses(given: GivenNetwork, cniArgs: CniArgs): readonly string[] {
  const fromArgs = argsIps(given);
  const addresses: string[] = [];
  for (const asked of [fromArgs.length > 0 ? fromArgs : cniArgsIps(cniArgs), runtimeIps(given)]) {
    for (const { value, refuse } of asked) {
      const address = canonicalAddress(value) ?? fail(refuse(addressMustBe));
      if (!addresses.includes(address)) addresses.push(address);
    }
  }
  return addresses;
}

export function runtimeIps(given: GivenNetwork): readonly Asked[] {
  return askedAt("runtimeConfig.ips", given.runtimeConfig?.ips);
}

export function argsIps(given: GivenNetwork): readonly Asked[] {
  return askedAt("args.cni.ips", given.args?.cni?.ips);
}

export function cniArgsIps({ IP: text }: CniArgs): readonly Asked[] {
  return fromCniArgs("IP", text);
}

export function cniArgsGateways({ GATEWAY: text }: CniArgs): readonly Asked[] {
  return fromCniArgs("GATEWAY", text);
}

/**
 * As in the reference's bridge: runtimeConfig goes before args, and that before CNI_ARGS. Only the one that counts is
 * checked.
 */
export function requestedMac(given: GivenNetwork, cniArgs: CniArgs): string | undefined {
  const asked: Asked | undefined =
    askedAt("runtimeConfig.mac", given.runtimeConfig?.mac)[0] ??
    askedAt("args.cni.mac", given.args?.cni?.mac)[0] ??
    fromCniArgs("MAC", cniArgs.MAC)[0];
  if (asked === undefined) return undefined;
  return canonicalMac(asked.value) ?? fail(asked.refuse(macMustBe));
}

function askedAt(path: string, given: string | readonly string[] | undefined): readonly Asked[] {
  if (given === undefined || given === "") return [];
  if (typeof given === "string") return [{ value: given, refuse: (mustBe) => badConfig(path, given, mustBe) }];
  const asked: Asked[] = [];
  for (const [i, value] of given.entries()) {
    if (value !== "") asked.push({ value, refuse: (mustBe) => badConfig(`${path}[${i}]`, value, mustBe) });
  }
  return asked;
}

function fromCniArgs(key: string, text: string | undefined): readonly Asked[] {
  const asked: Asked[] = [];
  if (!text) return asked;
  for (const item of text.split(",")) {
    const value = item.trim();
    if (value !== "") asked.push({ value, refuse: (mustBe) => badVariable(`${key} in CNI_ARGS`, value, mustBe) });
  }
  return asked;
}

function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text);
  if (address !== undefined) return formatAddress(address);
  const cidr = parseCidr(text);
  return cidr && formatCidr(cidr);
}

export const macMustBe = "a unicast address of six bytes such as c2:11:22:33:44:55";

/** The spellings that Go's net.ParseMAC accepts: c2:11:…, c2-11-…, c211.2233.4455. */
const macPattern =
  /^(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})$/i;

/** Six bytes in lower case with colons; undefined if the text is not a unicast address. */
export function canonicalMac(text: string): string | undefined {
  if (!macPattern.test(text)) return undefined;
  const digits = text.replace(/[^0-9a-f]/gi, "").toLowerCase();
  // The lowest bit of the first byte marks a multicast address. The kernel refuses those and all zeros.
  if (Number.parseInt(digits.slice(0, 2), 16) % 2 === 1 || /^0+$/.test(digits)) return undefined;
  return digits.match(/../g)!.join(":");
}

function fail(fault: Fault): never {
  throw fault;
}
