/**
 * `explain` between containers of containerd, podman and docker, on networks and with rules of each program: its words
 * are compared with traffic, on healthy paths and after a fault was planted.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nsNet } from "../support/plugin.ts";
import { cable, freshNetns, type Netns } from "../support/sandbox.ts";
import { type Place, tcpReach, tcpServer } from "../support/tcp.ts";
import { freshWorld, type World } from "../support/world.ts";
import { cgroupParent } from "./cgroups.ts";
import { conflist, needsClient } from "./client.ts";
import { type Containerd, freshContainerd, sandboxImage } from "./containerd.ts";
import { type Docker, freshDocker, needsDocker } from "./docker.ts";
import { freshPodman, needsNetavark, netavark, type Podman } from "./podman.ts";

interface Asked {
  /** As a person names it, and where its packets come from. */
  readonly from: string;
  readonly place: Place;
  readonly to: string;
  /** The connection goes there. */
  readonly address: string;
  readonly port: number;
}

interface Said {
  readonly verdict: string;
  readonly cause: {
    readonly code: string;
    readonly where: string;
    readonly what: string;
    readonly cure: string;
  } | null;
}

/** The network namespace of a process. */
const inside = (pid: string | number): Place => ({
  inside: (command) => ["nsenter", `--net=/proc/${pid}/ns/net`, "--", ...command],
});

const folder = (name: string) => mkdtempSync(join(tmpdir(), `ns-net-${name}-`));

/** A machine with an outside behind its default route. */
interface Scene extends Disposable {
  readonly world: World;
  readonly outside: Netns;
  explain(asked: Asked): Said;
  /** The answer, and that traffic agrees: `reachable`, or the code of the cause. */
  agrees(expected: string, asked: Asked): Promise<Said>;
}

const outer = { host: "192.0.2.1", outside: "192.0.2.2" } as const;

function openScene(): Scene {
  const world = freshWorld();
  const outside = freshNetns("outside");
  const { host } = world;
  cable(
    { ns: host, ifname: "up0", cidrs: [`${outer.host}/24`] },
    { ns: outside, ifname: "eth0", cidrs: [`${outer.outside}/24`] },
  );
  host.run("ip", "route", "add", "default", "via", outer.outside);
  const explain = ({ from, to, port }: Asked): Said => {
    const { CNI_COMMAND: _, ...env } = process.env;
    const words = ["explain", from, `${to}:${port}`, "--json", "--data-dir", world.dataDir];
    const { stdout, stderr } = Bun.spawnSync(host.inside([nsNet, ...words]), { env, stdin: null });
    assert.notEqual(stdout.length, 0, stderr.toString());
    return JSON.parse(stdout.toString());
  };
  return {
    world,
    outside,
    explain,
    async agrees(expected, asked) {
      const said = explain(asked);
      const found = said.cause?.code ?? said.verdict;
      assert.equal(found, expected, `${asked.from} to ${asked.to}:${asked.port}: ${JSON.stringify(said)}`);
      const reached = await tcpReach(asked.place, asked.address, asked.port, { limitMs: 700 });
      assert.equal(
        "seenAs" in reached,
        expected === "reachable",
        `${JSON.stringify(asked)}: ${JSON.stringify(reached)}`,
      );
      return said;
    },
    [Symbol.dispose]() {
      outside[Symbol.dispose]();
      world[Symbol.dispose]();
    },
  };
}

/** A container with a server on port 80. */
interface Container {
  readonly name: string;
  readonly place: Place;
  readonly address: string;
}

async function served<Name extends string>(
  containers: Readonly<Record<Name, Container>>,
  work: () => Promise<void>,
): Promise<void> {
  const servers: Disposable[] = [];
  try {
    for (const { place } of Object.values<Container>(containers)) servers.push(await tcpServer(place, "0.0.0.0", 80));
    await work();
  } finally {
    for (const one of servers) one[Symbol.dispose]();
  }
}

/** The questions between two neighbours that every runtime has to answer alike. */
async function neighboursAgree(scene: Scene, a: Container, b: Container): Promise<void> {
  const asked = { from: a.name, place: a.place, to: b.name, address: b.address, port: 80 };
  const { host } = scene.world;
  await served({ b }, async () => {
    await scene.agrees("reachable", asked);
    await scene.agrees("not-listening", { ...asked, port: 81 });
    const own = b.place.inside(["nft", "-f", "-"]);
    const rules = "table inet f { chain c { type filter hook input priority 0; tcp dport 80 drop; }; }";
    Bun.spawnSync(own, { stdin: Buffer.from(rules) });
    const { cause } = await scene.agrees("dropped-inside", asked);
    assert.match(cause!.what, /^table inet f, chain c, handle \d+/);
    host.run("sh", "-c", cause!.cure);
    await scene.agrees("reachable", asked);
    Bun.spawnSync(b.place.inside(["nft", "delete", "table", "inet", "f"]));
    host.nft(
      "add table bridge f; add chain bridge f c { type filter hook forward priority 0; }; add rule bridge f c tcp dport 80 drop",
    );
    const { cause: ofHost } = await scene.agrees("dropped-by-rule", asked);
    assert.match(ofHost!.what, /^table bridge f, chain c, handle \d+/);
    host.run("sh", "-c", ofHost!.cure);
    await scene.agrees("reachable", asked);
    host.nft("delete table bridge f");
  });
}

/** A port of the host that leads to a container, from outside and from the host's other containers. */
async function publishedAgrees(scene: Scene, b: Container, port: number, others: readonly Container[]): Promise<void> {
  const fromOutside = { from: scene.outside.name, place: scene.outside, to: outer.host, address: outer.host, port };
  await served({ b }, async () => {
    await scene.agrees("reachable", fromOutside);
    for (const { name, place } of others) await scene.agrees("reachable", { ...fromOutside, from: name, place });
  });
  await scene.agrees("not-listening", fromOutside);
}

/** iptables-save(8) without counters and comments, and without names that are new each time. */
function rulesIn(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace(/ ?\[\d+:\d+\]/, "").replaceAll(/\bbr-[0-9a-f]{12}\b/g, "br-NETWORK"))
    .map((line) => line.replaceAll(/(NETAVARK-(?:DN-)?)[0-9A-F]{13}/g, "$1NETWORK").replace(/ id: [0-9a-f]{64}/, ""));
}

/** The capture is loaded by test/explain/path/agreement.test.ts. With NSNET_CAPTURE=yes it is written again. */
function sameAsCapture({ world }: Scene, name: string, program: string): void {
  const now = world.host.run("iptables-save");
  const file = join(import.meta.dirname, "../explain/rulesets", `${name}.iptables`);
  if (process.env["NSNET_CAPTURE"] === "yes") {
    const rules = now.split("\n").filter((line) => !line.startsWith("#"));
    writeFileSync(file, [`# ${program}, the containers of test/clients/explain.test.ts`, ...rules].join("\n"));
  }
  assert.deepEqual(rulesIn(now), rulesIn(readFileSync(file, "utf8")));
}

describe("explain between containers", function () {
  this.timeout(240_000);
  let scene: Scene;

  describe("of containerd", () => {
    let containerd: Containerd;
    let a: Container;
    let b: Container;

    before(async function () {
      needsClient(this, "containerd", "ctr");
      scene = openScene();
      const { world } = scene;
      containerd = await freshContainerd(world.host, folder("containerd"));
      await containerd.configure(conflist(world));
      const pod = async (name: string, port?: number): Promise<Container> => {
        const ports = port === undefined ? [] : [{ host: port, container: 80 }];
        const id = await containerd.cri.run({ name, ports });
        const [address = ""] = await containerd.cri.addresses(id);
        return { name: `container:${name}`, place: inside(pidOf(id)), address };
      };
      a = await pod("web");
      b = await pod("shop", 8070);
    });
    after(async () => {
      await containerd?.[Symbol.asyncDispose]();
      scene?.[Symbol.dispose]();
    });

    const pidOf = (name: string) => {
      const rows = containerd.ctr("task", "list").split("\n");
      return rows.find((row) => row.startsWith(`${name} `))!.split(/\s+/)[1]!;
    };

    it("says of pods of CRI what traffic says", () => neighboursAgree(scene, a, b));

    it("follows a published port", () => publishedAgrees(scene, b, 8070, [a]));

    it("says of a container of ctr, whose network no plugin made, that it has no interface", async () => {
      const cgroup = ["--cgroup", `/${cgroupParent}/plain`];
      containerd.ctr("run", "--detach", "--snapshotter", "native", ...cgroup, sandboxImage, "plain");
      const place = inside(pidOf("plain"));
      await scene.agrees("no-interface", { from: "container:plain", place, to: a.name, address: a.address, port: 80 });
      const other = { from: a.name, place: a.place, to: "container:plain", address: "10.7.0.250", port: 80 };
      assert.equal(scene.explain(other).cause?.code, "no-interface");
    });
  });

  for (const network of ["ours", "reference", "netavark"] as const) {
    describe(`of podman, ${network === "netavark" ? "with netavark" : `with ${network === "ours" ? "our plugin" : "Debian's plugins"}`}`, () => {
      let podman: Podman;
      let containers: Readonly<Record<"a" | "b" | "other", Container>>;

      before(async function () {
        needsClient(this, "podman");
        if (network === "netavark") needsNetavark(this);
        scene = openScene();
        podman = await freshPodman(scene.world.host, folder("podman"), { network });
        if (network === "ours") podman.configure("podnet", conflist(scene.world));
        else podman.call("network", "create", "--subnet", "10.8.0.0/24", "--disable-dns", "podnet");
        podman.call("network", "create", "--subnet", "10.8.1.0/24", "--disable-dns", "second");
        const started = (name: string, own: string, ...words: string[]): Container => {
          podman.call("run", "--detach", "--name", name, "--network", own, ...words, podman.image);
          const inspect = (what: string) => podman.call("inspect", "--format", `{{${what}}}`, name);
          const place = inside(inspect(".State.Pid"));
          return { name: `container:${name}`, place, address: inspect(`.NetworkSettings.Networks.${own}.IPAddress`) };
        };
        containers = {
          a: started("one", "podnet"),
          b: started("two", "podnet", "--publish", "8071:80"),
          other: started("far", "second"),
        };
      });
      after(() => {
        podman?.[Symbol.dispose]();
        scene?.[Symbol.dispose]();
      });

      it("says what traffic says", () => neighboursAgree(scene, containers.a, containers.b));

      it("follows a published port", () =>
        publishedAgrees(scene, containers.b, 8071, [containers.a, containers.other]));

      if (network === "netavark")
        it("has the rules of the capture", () =>
          sameAsCapture(scene, "netavark", scene.world.host.run(netavark, "--version").trim()));

      it("says of another network what traffic says", async () => {
        const { a, other } = containers;
        await served({ other }, async () => {
          await scene.agrees("reachable", {
            from: a.name,
            place: a.place,
            to: other.name,
            address: other.address,
            port: 80,
          });
        });
      });
    });
  }

  describe("of docker", () => {
    let docker: Docker;
    let containers: Readonly<Record<"a" | "b" | "other", Container>>;

    before(async function () {
      needsDocker(this);
      scene = openScene();
      docker = await freshDocker(scene.world.host, folder("docker"));
      docker.call("network", "create", "--subnet", "10.9.0.0/24", "second");
      const started = (name: string, own: string, ...words: string[]): Container => {
        docker.call("run", "--detach", "--name", name, "--network", own, ...words, docker.image);
        const inspect = (what: string) => docker.call("inspect", "--format", `{{${what}}}`, name);
        const place = inside(inspect(".State.Pid"));
        return { name: `container:${name}`, place, address: inspect(`.NetworkSettings.Networks.${own}.IPAddress`) };
      };
      containers = {
        a: started("one", "bridge"),
        b: started("two", "bridge", "--publish", "8072:80"),
        other: started("far", "second"),
      };
    });
    after(async () => {
      await docker?.[Symbol.asyncDispose]();
      scene?.[Symbol.dispose]();
    });

    it("says what traffic says", () => neighboursAgree(scene, containers.a, containers.b));

    it("names docker's isolation between its networks", async () => {
      const { a, other } = containers;
      await served({ a, other }, async () => {
        const asked = { from: a.name, place: a.place, to: other.name, address: other.address, port: 80 };
        const { cause } = await scene.agrees("dropped-by-rule", asked);
        assert.match(cause!.what, /^table ip filter, chain DOCKER-ISOLATION-STAGE-2, handle \d+/);
        const back = { from: other.name, place: other.place, to: a.name, address: a.address, port: 80 };
        await scene.agrees("dropped-by-rule", back);
      });
    });

    it("follows a published port", () => publishedAgrees(scene, containers.b, 8072, [containers.a]));

    it("has the rules of the capture", () =>
      sameAsCapture(scene, "docker", `docker ${docker.call("version", "--format", "{{.Server.Version}}")}`));
  });
});
