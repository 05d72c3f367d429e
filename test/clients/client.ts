/** Shared by the tests of all clients: their needs, and what must not be left. */
import assert from "node:assert/strict";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { until } from "../support/daemon.ts";
import { needs } from "../support/needs.ts";
import { skip } from "../support/skip.ts";
import { ourLinks, ranges, type World } from "../support/world.ts";

export function needsClient(context: Mocha.Context, ...programs: readonly string[]): void {
  needs(context, "bridge", "nft nat", "ns-net");
  for (const program of [...programs, "runc", "busybox"]) {
    if (findProgram(program) === undefined) skip(context, `no program ${program}; npm run test:clients installs it`);
  }
}

/** A conflist of one plugin of type ns-net with NAT. */
export const conflist = ({ dataDir }: World, change: object = {}, name = "podnet") => ({
  cniVersion: "1.0.0",
  name,
  plugins: [
    {
      ...{ type: "ns-net", bridge: "cni0", isDefaultGateway: true, ipMasq: true, dataDir },
      ipam: ranges("10.7.0.0/24"),
      capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true },
      ...change,
    },
  ],
});

/** No address, no link, no published port. Witnesses: SQLite, ip and nft. */
export function nothingLeft(world: World): void {
  assert.deepEqual(world.leases(), []);
  assert.deepEqual(ourLinks(world.host), []);
  assert.deepEqual(publishedPorts(world), []);
}

/** Elements of nft's maps, and rules, that lead to a pod. */
export function publishedPorts({ host }: World): string[] {
  return host
    .nft("list", "ruleset")
    .split("\n")
    .filter((line) => /dnat (ip6? )?to \d|: 10\.7\.\d+\.\d+ \. \d+/.test(line))
    .map((line) => line.trim());
}

/** The greeting of a server, read from the host; repeats until the server listens. */
export async function heard({ host }: World, address: string, port: number): Promise<string> {
  let said = "";
  await until(`${address} port ${port} answers`, () => {
    said = host.run("bash", "-c", `exec 3<>/dev/tcp/${address}/${port} && timeout 2 head -c 5 <&3`);
    return said !== "";
  });
  return said;
}
