/** Shared by the tests of published ports. */
import { cable, type Netns } from "../../support/sandbox.ts";
import type { World } from "../../support/world.ts";

export const mapped = (...portMappings: object[]) => ({
  capabilities: { portMappings: true },
  runtimeConfig: { portMappings },
});
export const web = { hostPort: 8080, containerPort: 80, protocol: "tcp" };

/** A neighbour of the host, on a cable. */
export function outsideOf(world: World): Netns {
  const outside = world.netns("outside");
  world.host.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  cable(
    { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24", "192.0.2.3/24", "2001:db8::2/64"] },
    { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24", "2001:db8::1/64"] },
  );
  return outside;
}

/** Elements of nf_tables with an owner. */
export const elements = (world: World): string[] =>
  world.host
    .nft("list", "ruleset")
    .split("\n")
    .filter((line) => line.includes(' comment "nsv'))
    .map((line) => line.trim());
