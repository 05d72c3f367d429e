/**
 * `--dry-run` for interfaces that leave nothing on the host: typed into a shell if this kernel has the kind, else only
 * read.
 */
import assert from "node:assert/strict";
import { type Need, needs } from "../support/needs.ts";
import { freshPlace, namedNetns, type Place } from "./place.ts";

const ipam = {
  type: "host-local",
  ranges: [[{ subnet: "10.20.0.0/24" }], [{ subnet: "fd20::/64" }]],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};

const base = { cniVersion: "1.1.0", name: "lab", ipam };

/** A host with an interface up0, always with the same hardware address, and a host device. */
function withUplink(): Place {
  const place = freshPlace();
  place.host.run("ip", "link", "add", "up0", "address", "0a:00:00:00:00:01", "type", "veth", "peer", "name", "far0");
  place.host.ip("link", "set", "up0", "up");
  place.host.ip("link", "add", "ens3", "address", "0a:00:00:00:00:03", "type", "veth", "peer", "name", "far3");
  return place;
}

function inside(name: string) {
  const ns = namedNetns(name);
  const addresses = (infos: { scope: string; local: string; prefixlen: number }[]) =>
    infos.filter(({ scope }) => scope === "global").map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  return {
    links: ns.ip("address").map(({ ifname, mtu, address, group, ifalias, flags, linkinfo, addr_info }) => ({
      ...{ ifname, mtu, address, group, kind: linkinfo?.info_kind, data: linkinfo?.info_data },
      alias: ifalias?.replace(/\/.*/, ""), // after it comes the folder of the store
      ...{ up: flags.includes("UP"), addresses: addresses(addr_info) },
    })),
    routes: ["-4", "-6"].map((family) =>
      ns
        .ip(family, "route")
        .filter(({ dst }) => !dst.startsWith("fe80"))
        .map(({ dst, gateway, dev }) => [dst, gateway, dev]),
    ),
  };
}

describe("ns-net add --dry-run, for an interface without a host end,", () => {
  const kinds: readonly [type: string, more: object, ...needed: Need[]][] = [
    ["macvlan", { master: "up0", mode: "private", mtu: 1400 }, "macvlan"],
    ["ipvlan", { master: "up0", mode: "l3" }, "ipvlan"],
    ["vlan", { master: "up0", vlanId: 101 }, "vlan"],
    ["host-device", { device: "ens3" }],
    ["dummy", {}, "dummy"],
    ["tap", { owner: 7, group: 8, multiQueue: true, mac: "c2:11:22:33:44:55" }, "tap"],
  ];

  for (const [type, more, ...needed] of kinds) {
    it(`prints commands that create the same: ${type}`, function () {
      needs(this, "ns-net", "bridge", "ipv6", ...needed);
      using typed = withUplink();
      using made = withUplink();
      const name = typed.name();
      const network = typed.file("n.json", JSON.stringify({ ...base, type, ...more }));
      const script = typed.must("add", name, "--network", network, "--dry-run");
      const sh = Bun.spawnSync(typed.host.inside(["sh", "-e"]), { stdin: Buffer.from(script) });
      assert.equal(sh.exitCode, 0, `${sh.stderr}\n${script}`);
      const byHand = [inside(name), typed.host.ip("link").map(({ ifname }) => ifname)];
      Bun.spawnSync(["ip", "netns", "del", name]);
      made.must("add", name, "--network", network);
      assert.deepEqual(byHand, [inside(name), made.host.ip("link").map(({ ifname }) => ifname)]);
      made.must("check", name, "--network", network);
      made.must("del", name);
    });
  }

  const group = "group \\d+";
  const printed: readonly [type: string, more: object, first: RegExp[]][] = [
    [
      "ipvlan",
      { master: "up0", mode: "l3s" },
      [
        RegExp(`^ip link add nsv\\w+ link up0 mtu 1500 ${group} netns \\S+ type ipvlan mode l3s$`),
        /^ip -n \S+ link set nsv\w+ name eth0$/,
      ],
    ],
    [
      "vlan",
      { master: "up0", vlanId: 101, mtu: 1400 },
      [
        RegExp(`^ip link add nsv\\w+ link up0 mtu 1400 ${group} netns \\S+ type vlan id 101$`),
        /^ip -n \S+ link set nsv\w+ name eth0$/,
      ],
    ],
    ["dummy", {}, [RegExp(`^ip -n \\S+ link add eth0 address 0a:58:0a:14:00:02 mtu 1500 ${group} type dummy$`)]],
  ];

  for (const [type, more, first] of printed) {
    it(`prints the commands of ip for ${type}, with any kernel`, () => {
      using place = withUplink();
      const network = place.file("n.json", JSON.stringify({ ...base, type, ...more }));
      const lines = place
        .must("add", place.name(), "--network", network, "--dry-run")
        .split("\n")
        .filter((line) => !line.startsWith("#"));
      for (const [i, line] of first.entries()) assert.match(lines[1 + i]!, line);
      assert.ok(
        lines.some((line) => line.endsWith("address add 10.20.0.2/24 brd + dev eth0")),
        lines.join("\n"),
      );
    });
  }
});
