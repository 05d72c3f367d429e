/** A lab as a diagram: by its file, and by what is known while it runs. */
import assert from "node:assert/strict";
import { diagramOf } from "../../../lab/graph/diagramOf.ts";
import type { Live } from "../../../lab/graph/live.ts";
import { example, labFrom, rich } from "./labs.ts";

const counter = { packets: 0, bytes: 0 };
const live: Live = {
  pods: rich.pods.map(({ name }) => ({
    ...{ name, addresses: [], serves: [], publishes: [], alive: name !== "deep" },
    run: name === "api" ? { state: "failed", exitCode: 3 } : null,
  })),
  interfaces: [
    {
      ...{ pod: "api", ifname: "eth0", hostLink: "nsv1", isDown: true, received: counter, sent: counter },
      impairments: { in: { loss: 0.07 }, out: { loss: 0.07, delay: 0.5 } },
    },
  ],
  hostLinks: [],
  tests: {
    atMs: 0,
    results: [
      { test: "web -> api", passed: false, expected: "reachable", found: "unreachable", ms: 2000, why: "silent" },
      { test: "web -x-> 10.2.0.3", passed: true, expected: "unreachable", found: "unreachable", ms: 1, why: "silent" },
      { test: "outside -> host:8080", passed: true, expected: "reachable", found: "reachable", ms: 1, why: null },
    ],
  },
  pings: null,
};

describe("A diagram", () => {
  const down = diagramOf(rich);
  const up = diagramOf(rich, live);
  const pod = (name: string, { pods }: typeof up = up) => pods.find((one) => one.name === name)!;

  it("has every host, network and pod, with addresses, ports and who joins whom", () => {
    assert.deepEqual(
      down.hosts.map(({ name, notes }) => [name, notes]),
      [["host", ["forwards", "NAT"]]],
    );
    assert.deepEqual(
      down.networks.map(({ name, notes }) => [name, notes]),
      [
        ["front", ["NAT"]],
        ["back", ["NAT", "isolated", "mtu 1400"]],
        ["far", ["no gateway"]],
      ],
    );
    assert.equal(down.pods.length, rich.pods.length);
    const { interfaces, serves, publishes } = pod("web", down);
    assert.deepEqual(publishes, ["8080 → 80", "127.0.0.1:53 → 53/udp"]);
    assert.deepEqual(serves, ["http:80", "udp:53"]);
    assert.deepEqual(interfaces[0]!.addresses, ["10.1.0.2"]);
    assert.equal(pod("log", down).joins, pod("web", down).id);
  });

  it("has an edge for each veth pair, link, gateway and uplink", () => {
    const counts = (kind: string) => down.edges.filter((one) => one.kind === kind).length;
    assert.deepEqual(["attachment", "link", "gateway", "uplink"].map(counts), [8, 2, 2, 1]);
    const ids = new Set([...down.hosts, ...down.networks, ...down.pods, down.outside!].map(({ id }) => id));
    for (const { ends } of down.edges) for (const { node } of ends) assert.ok(ids.has(node), node);
    assert.equal(new Set(down.edges.map(({ id }) => id)).size, down.edges.length);
  });

  it("shows the impairments of the file while the lab is down", () => {
    assert.deepEqual(pod("web", down).interfaces[0]!.impairments, ["in: rate 10mbit", "in: loss 1%"]);
    assert.deepEqual(pod("db", down).interfaces[0]!.impairments, ["down"]);
    const [link, other] = down.edges.filter(({ kind }) => kind === "link");
    assert.deepEqual([link!.impairments, other!.impairments], [["delay 20ms ± 5ms"], []]);
    assert.equal(pod("web", down).verdict, "none");
  });

  it("shows what is so now while the lab is up", () => {
    assert.deepEqual(pod("api").interfaces[0]!.impairments, ["loss 7%", "out: delay 500us", "down"]);
    assert.deepEqual(pod("web").interfaces[0]!.impairments, []);
    assert.deepEqual([pod("deep").isDead, pod("web").isDead], [true, false]);
    assert.equal(pod("api").run, "failed");
    assert.equal(up.edges.find(({ id }) => id === "pod_api-eth0")!.ends[0].ifname, "nsv1");
  });

  it("gives a node the verdict of the tests from and to it, also by its address", () => {
    assert.deepEqual(
      ["web", "api", "db", "deep"].map((name) => pod(name).verdict),
      ["failed", "failed", "passed", "untested"],
    );
    assert.deepEqual([up.outside!.verdict, up.hosts[0]!.verdict], ["passed", "passed"]);
    assert.equal(up.tests[0]!.why, "expected reachable, found unreachable (silent)");
  });

  it("has a group for each host, each with its part of a network, below one underlay", () => {
    const { hosts, networks, underlay, edges } = diagramOf(example("three-hosts"));
    assert.deepEqual(underlay?.notes, ["VXLAN", "mtu 1500"]);
    assert.deepEqual(
      networks.map(({ name, host }) => `${name} ${host}`),
      ["pods host_node1", "pods host_node2", "pods host_node3", "back host_node2", "back host_node3"],
    );
    const uplinks = edges.filter(({ kind }) => kind === "uplink").map(({ ends }) => ends.map(({ node }) => node));
    assert.deepEqual(uplinks, [["outside", "underlay"], ...hosts.map(({ id }) => ["underlay", id])]);
  });

  it("shows the impairments of hosts on the underlay", () => {
    const { hosts, edges } = diagramOf(
      labFrom(`
hosts: { n1: 192.168.50.1, n2: 192.168.50.2 }
networks: { pods: 10.1.0.0/16 }
pods: { a: { networks: pods, host: n1 }, b: { networks: pods, host: n2 } }
impair: [{ at: n2, loss: 5% }]
`),
    );
    assert.deepEqual(
      hosts.map(({ impairments }) => impairments),
      [[], ["loss 5%"]],
    );
    const uplink = edges.find(({ ends }) => ends[1].node === "host_n2" && ends[0].node === "underlay");
    assert.deepEqual(uplink?.impairments, ["loss 5%"]);
  });
});
