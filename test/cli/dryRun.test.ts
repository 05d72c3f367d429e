/** What `--dry-run` prints, typed into a shell, makes the same network as ADD does. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { needs } from "../support/needs.ts";
import { links } from "../support/sandbox.ts";
import { freshPlace, lab, namedNetns, type Place } from "./place.ts";

describe("ns-net add --dry-run", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  /** Carrier comes a moment after both ends are up (net/core/link_watch.c); only ns-net waits for it. */
  const settings = (flags: readonly string[]) =>
    flags.filter((flag) => flag !== "LOWER_UP" && flag !== "NO-CARRIER").sort();
  const rest = (place: Place) =>
    place.host
      .ip("address")
      .map(({ ifname, mtu, address, master, group, flags, addr_info, linkinfo }) => ({
        ...{
          ifname,
          mtu,
          address,
          master,
          group,
          flags: settings(flags),
          port: linkinfo?.info_slave_data?.hairpin,
        },
        addresses: global(addr_info),
      }))
      .sort((a, b) => (a.ifname < b.ifname ? -1 : 1));
  const global = (infos: { scope: string; local: string; prefixlen: number; broadcast?: string }[]) =>
    infos.filter(({ scope }) => scope === "global").map((one) => [one.local, one.prefixlen, one.broadcast]);
  const inside = (name: string) => {
    const ns = namedNetns(name);
    return {
      links: ns
        .ip("address")
        .map(({ ifname, mtu, address, flags, addr_info }) => [
          ifname,
          mtu,
          address,
          settings(flags),
          global(addr_info),
        ]),
      routes: [ns.ip("route"), ns.ip("-6", "route")].map((all) =>
        all
          .filter(({ dst }) => !dst.startsWith("fe80"))
          .map(({ dst, gateway, dev, metrics, metric, scope }) => ({ dst, gateway, dev, metrics, metric, scope })),
      ),
    };
  };
  const sysctls = (place: Place) =>
    ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"].map((key) => place.host.sysctl(key));

  for (const [title, change] of [
    ["the default network's kind", {}],
    [
      "both families with masquerade and routes",
      { ipMasq: true, ipam: { routes: [{ dst: "10.50.0.0/16", mtu: 1300, priority: 7 }, { dst: "fd50::/48" }] } },
    ],
    ["no addresses", { ipam: undefined }],
    ["an isolated port and another MTU", { portIsolation: true, mtu: 1400, promiscMode: true }],
    [
      "a policy of the bridge, and a check of the source",
      { ingressPolicy: "same-bridge", macspoofchk: true, ipMasq: true },
    ],
    [
      "ports whose callers are masqueraded, and an isolated bridge",
      {
        ingressPolicy: "isolated",
        masqAll: true,
        conditionsV4: ["!", "-s", "192.0.2.128/25", "-i", "up0"],
        runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
      },
    ],
    ["a name with dots", { name: "lab.example_1", ipMasq: true }],
  ] as const) {
    it(`prints what a shell makes the same network of: ${title}`, () => {
      using typed = freshPlace();
      using made = freshPlace();
      // The same name on both, one after the other: names and addresses follow from it.
      const name = typed.name();
      const ipam =
        "ipam" in change && change.ipam === undefined ? {} : { ...lab.ipam, ...("ipam" in change ? change.ipam : {}) };
      const config = { ...lab, ...change, ipam, ...(Object.keys(ipam).length === 0 && { isDefaultGateway: false }) };
      const network = typed.file("n.json", JSON.stringify(config));
      const script = typed.must("add", name, "--network", network, "--dry-run");
      assert.equal(existsSync(`/run/netns/${name}`), false, "the namespace was made");
      assert.deepEqual([...links(typed.host).keys()], ["lo"], "something was made");
      const sh = Bun.spawnSync(typed.host.inside(["sh", "-e"]), { stdin: Buffer.from(script) });
      assert.equal(sh.exitCode, 0, `${sh.stderr}\n${script}`);
      const byHand = [rest(typed), inside(name), typed.host.nft("list", "ruleset"), sysctls(typed)];
      Bun.spawnSync(["ip", "netns", "del", name]);
      made.must("add", name, "--network", network);
      const byUs = [rest(made), inside(name), made.host.nft("list", "ruleset"), sysctls(made)];
      assert.deepEqual(byHand, byUs);
      made.must("del", name);
    });
  }
});
