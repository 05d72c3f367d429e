/** Planted faults of address translation, and of listeners. */
import { needs } from "../../support/needs.ts";
import { tcpServer } from "../../support/tcp.ts";
import { type Fault, testFaults } from "./fault.ts";
import { bridgeRules, openScene, type Scene } from "./scene.ts";

describe("explain names faults of translation", function () {
  this.timeout(60_000);
  let scene: Scene;
  let server: Disposable;
  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping");
    scene = openScene({ publish: ["8080:80"] });
    server = await tcpServer(scene.netns("B"), "::", 80);
  });
  after(() => {
    server?.[Symbol.dispose]();
    scene?.[Symbol.dispose]();
  });

  const published: Pick<Fault, "from" | "to" | "port"> = { from: "C", to: "10.21.0.1", port: "8080" };
  const shadow = (rule: string) =>
    `nft add table ip f; nft 'add chain ip f c { type nat hook prerouting priority -150; }'; nft add rule ip f c ${rule}`;
  const undo = "nft delete table ip f";
  testFaults(
    () => scene,
    [
      {
        name: "its rules are gone",
        to: "192.0.2.2",
        code: "no-masquerade",
        where: "host",
        plant: "nft delete table inet ns_net",
      },
      {
        ...published,
        name: "its rules are gone",
        code: "no-mapping",
        where: "host",
        plant: "nft delete table inet ns_net",
      },
      {
        ...published,
        name: "another rule takes the port",
        code: "mapping-shadowed",
        where: "host",
        plant: shadow("tcp dport 8080 dnat to 10.20.0.99:80"),
        undo,
      },
      {
        ...published,
        name: "another rule takes all ports",
        code: "mapping-shadowed",
        where: "host",
        plant: shadow("dnat to 10.20.0.99"),
        undo,
      },
      {
        ...published,
        name: "another rule redirects the port",
        code: "mapping-shadowed",
        where: "host",
        plant: shadow("tcp dport 8080 redirect to :9"),
        undo,
      },
    ],
  );

  it("says that a port is not published, before that nothing listens", () => {
    const found = scene.explain(scene.variables["C"]!, "10.21.0.1:8081");
    const { code, where } = found.cause!;
    if (code !== "no-mapping" || where !== "host") throw new Error(JSON.stringify(found.cause));
  });
});

describe("explain names a call of the own published port", function () {
  this.timeout(60_000);
  let scene: Scene;
  let server: Disposable;
  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping");
    scene = openScene({ publish: ["8080:80"] });
    server = await tcpServer(scene.netns("B"), "0.0.0.0", 80);
    bridgeRules(scene.netns("host"), 1);
  });
  after(() => {
    server?.[Symbol.dispose]();
    scene?.[Symbol.dispose]();
  });

  const own: Pick<Fault, "from" | "to" | "port"> = { from: "B", to: "10.20.0.1", port: "8080" };
  testFaults(
    () => scene,
    [
      {
        ...own,
        name: "by br_netfilter",
        code: "hairpin-off",
        where: "host",
        plant: "bridge link set dev $HB hairpin off",
      },
    ],
  );
});

describe("explain names faults of listeners", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
    scene = openScene();
  });
  after(() => scene?.[Symbol.dispose]());

  const listeners: readonly (readonly [
    name: string,
    listens: string,
    asked: string,
    code: string,
    isIpv6?: boolean,
  ])[] = [
    ["nothing listens", "", "81", "not-listening"],
    ["nothing listens", "", "81", "not-listening", true],
    ["nothing listens on UDP", "", "53/udp", "not-listening"],
    ["on 127.0.0.1", "127.0.0.1", "", "listens-on-loopback"],
    ["on ::1", "::1", "", "listens-on-loopback", true],
    ["on 127.0.0.1 alone, asked by IPv6", "127.0.0.1", "", "listens-on-loopback", true],
    ["on IPv4 alone", "0.0.0.0", "", "listens-other-family", true],
    ["on IPv6's address alone", "fd20::3", "", "listens-other-family"],
  ];
  for (const [name, address, port, code, isIpv6 = false] of listeners) {
    it(`${code}: ${name}${isIpv6 ? " (IPv6)" : ""}`, async () => {
      const { A, B } = scene.variables;
      using server = address === "" ? undefined : await tcpServer(scene.netns("B"), address, 0);
      const found = scene.explain(A!, `${B}:${server?.port ?? port}`, isIpv6);
      if (found.cause?.code !== code || found.cause.where !== `namespace ${B}`)
        throw new Error(JSON.stringify(found.cause));
      if (port.endsWith("udp")) return;
      using open = await tcpServer(scene.netns("B"), "::", 0);
      const healthy = scene.explain(A!, `${B}:${open.port}`, isIpv6);
      if (healthy.verdict !== "reachable") throw new Error(JSON.stringify(healthy.cause));
    });
  }
});
