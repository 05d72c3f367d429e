/**
 * `container:NAME` with real containers of containerd, podman and docker, at the same time and whichever program made
 * their network. The witnesses are ctr, podman and docker.
 */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needsOwnEtc } from "../cli/place.ts";
import { until } from "../support/daemon.ts";
import { nsNet } from "../support/plugin.ts";
import { freshWorld, type World } from "../support/world.ts";
import { cgroupParent } from "./cgroups.ts";
import { conflist, needsClient, nothingLeft } from "./client.ts";
import { type Containerd, freshContainerd, sandboxImage } from "./containerd.ts";
import { type Docker, freshDocker, needsDocker } from "./docker.ts";
import { freshPodman, type Podman } from "./podman.ts";

describe("container:NAME", function () {
  this.timeout(180_000);
  let world: World;
  const folder = (name: string) => mkdtempSync(join(tmpdir(), `ns-net-${name}-`));

  before(function () {
    needsClient(this, "containerd", "ctr");
    world = freshWorld();
  });

  after(() => world?.[Symbol.dispose]());

  const cli = (...words: string[]) => {
    const { CNI_COMMAND: _, ...env } = process.env;
    const said = Bun.spawnSync(world.host.inside([nsNet, ...words]), { env, stdin: null });
    return { code: said.exitCode, out: said.stdout.toString(), err: said.stderr.toString() };
  };
  const must = (...words: string[]) => {
    const { code, out, err } = cli(...words);
    assert.equal(code, 0, `ns-net ${words.join(" ")}: ${out}${err}`);
    return out.trim();
  };
  /** The network namespace that `exec` enters, as readlink(1) shows it there. */
  const entered = (name: string) => must("exec", `container:${name}`, "--", "readlink", "/proc/self/ns/net");
  const namespaceOf = (pid: string | number) => world.host.run("readlink", `/proc/${pid}/ns/net`).trim();
  /** The host's end of a process's eth0. ip prints the index of the other end. */
  const vethOf = (pid: string) => {
    const [eth0] = JSON.parse(
      world.host.run("nsenter", `--net=/proc/${pid}/ns/net`, "ip", "-j", "link", "show", "eth0"),
    );
    return world.host.ip("link").find(({ ifindex }) => ifindex === eth0.link_index);
  };
  const refused = (name: string) => {
    const { code, err } = cli("exec", `container:${name}`, "--", "true");
    assert.equal(code, 1, err);
    return err;
  };

  describe("of containerd", () => {
    let containerd: Containerd;
    let pod: string;

    before(async () => {
      containerd = await freshContainerd(world.host, folder("containerd"));
      await containerd.configure(conflist(world));
      pod = await containerd.cri.run({ name: "web" });
      start("plain");
    });
    after(() => containerd?.[Symbol.asyncDispose]());

    const start = (name: string, ...options: string[]) =>
      containerd.ctr(
        ...["run", "--detach", "--snapshotter", "native", "--cgroup", `/${cgroupParent}/${name}`],
        ...options,
        ...[sandboxImage, name],
      );
    const pidOf = (name: string) => {
      const rows = containerd.ctr("task", "list").split("\n");
      return rows.find((row) => row.startsWith(`${name} `))!.split(/\s+/)[1]!;
    };

    it("is a pod, by its name, its namespace and name, its id and the first digits of it", () => {
      const expected = namespaceOf(pidOf(pod));
      for (const name of ["web", "default/web", pod, pod.slice(0, 12), `containerd/${pod}`])
        assert.equal(entered(name), expected, name);
      assert.match(must("exec", "container:web", "--", "ip", "-4", "-br", "address", "show", "eth0"), /10\.7\.0\.\d+/);
    });

    it("is behind the host's veth, and behind the port that it published", async () => {
      const id = await containerd.cri.run({ name: "shop", ports: [{ host: 8070, container: 80 }] });
      const [found] = JSON.parse(must("ns", "who", "container:shop", "--json"));
      assert.deepEqual(found.container, { runtime: "containerd", id, name: "shop" });
      const { peer } = found.links.find(({ name }: { name: string }) => name === "eth0");
      assert.match(must("ns", "who", peer.name), /^container:shop\n/);
      assert.match(
        must("ports", "--data-dir", world.dataDir),
        /^0\.0\.0\.0:8070\/tcp +default\/shop +10\.7\.0\.\d+:80 +ns-net +no$/m,
      );
      await containerd.cri.stop(id);
      await containerd.cri.remove(id);
    });

    it("is a container of ctr, whose network no plugin made", () => {
      const expected = namespaceOf(pidOf("plain"));
      assert.notEqual(expected, namespaceOf("self"));
      for (const name of ["plain", "k8s.io/plain", "containerd/plain"]) assert.equal(entered(name), expected, name);
    });

    it("is stopped when its process has ended, also if another process has its number since", () => {
      start("brief", "--env", "brief=1");
      containerd.ctr("task", "kill", "--signal", "SIGKILL", "brief");
      assert.match(
        refused("brief"),
        /^ns-net: (The container brief of containerd is stopped|There is no container brief)/,
      );
    });

    it("does not exist under an unknown name, and the error names a near one", () => {
      assert.equal(refused("plian"), "ns-net: There is no container plian\n  Did you mean container:plain?\n");
      assert.match(refused("nothing-like-it"), /There is no container nothing-like-it\n {2}Running: .*web/);
    });
  });

  describe("of podman", () => {
    let podman: Podman;

    before(async function () {
      needsClient(this, "podman");
      podman = await freshPodman(world.host, folder("podman"));
      podman.configure("podnet", conflist(world));
      podman.call("run", "--detach", "--name", "db", "--network", "podnet", podman.image);
      podman.call("run", "--detach", "--name", "done", "--network", "none", podman.image);
      podman.call("stop", "--time", "0", "done");
    });
    after(() => podman?.[Symbol.dispose]());

    const inspected = (name: string, what: string) => podman.call("inspect", "--format", `{{.${what}}}`, name);

    it("is entered with its own programs, in all its namespaces", () => {
      const inside = must("exec", "container:db", "--all", "--", "cat", "/proc/1/comm");
      assert.equal(inside, "sleep");
    });

    it("is found by name and id, also after a new name", () => {
      const expected = namespaceOf(inspected("db", "State.Pid"));
      const id = inspected("db", "Id");
      for (const name of ["db", id, id.slice(0, 12), "podman/db"]) assert.equal(entered(name), expected, name);
      podman.call("rename", "db", "base");
      assert.equal(entered("base"), expected);
      podman.call("rename", "base", "db");
    });

    it("is behind its veth, its address and its port", async () => {
      podman.call("run", "--detach", "--name", "desk", "--network", "podnet", "--publish", "8071:80", podman.image);
      const address = podman.call("inspect", "--format", "{{.NetworkSettings.Networks.podnet.IPAddress}}", "desk");
      const pid = inspected("desk", "State.Pid");
      const veth = vethOf(pid!);
      assert.match(must("ns", "who", veth.ifname), RegExp(`^container:desk\n[^]*${pid} sleep`));
      assert.match(must("ns", "who", address), /container:desk\n/);
      const listed = () => JSON.parse(must("ports", "--json", "--data-dir", world.dataDir));
      const expected = { hostAddress: "0.0.0.0", hostPort: 8071, container: "desk", containerPort: 80, by: "ns-net" };
      const port = { protocol: "tcp", ...expected, containerAddress: address };
      assert.deepEqual(listed(), [{ ...port, listening: false }]);
      podman.call("exec", "--detach", "desk", "sh", "-c", "nc -l -p 80");
      await until("the server listens", () => listed()[0].listening);
      podman.call("rm", "--force", "--time", "0", "desk");
      assert.deepEqual(listed(), []);
    });

    it("is stopped, although the file with its number still exists", () => {
      assert.equal(
        refused("done"),
        "ns-net: The container done of podman is stopped: it has no process and no namespace\n  Start it first: podman start done\n",
      );
    });
  });

  describe("of docker", () => {
    let docker: Docker;

    before(async function () {
      needsDocker(this);
      docker = await freshDocker(world.host, folder("docker"));
      docker.call("run", "--detach", "--name", "shop", docker.image);
      docker.call("run", "--detach", "--name", "closed", docker.image);
      docker.call("stop", "--time", "0", "closed");
    });
    after(() => docker?.[Symbol.asyncDispose]());

    it("is found by name and id", () => {
      const [pid, id] = docker.call("inspect", "--format", "{{.State.Pid}} {{.Id}}", "shop").split(" ");
      for (const name of ["shop", id!, id!.slice(0, 12), "docker/shop"])
        assert.equal(entered(name), namespaceOf(pid!), name);
    });

    it("is behind its veth and its port, which docker published", () => {
      docker.call("run", "--detach", "--name", "mill", "--publish", "8072:80", docker.image);
      const [pid, address] = docker
        .call("inspect", "--format", "{{.State.Pid}} {{.NetworkSettings.IPAddress}}", "mill")
        .split(" ");
      const veth = vethOf(pid!);
      assert.match(must("ns", "who", veth.ifname), RegExp(`^container:mill\n[^]*mill of docker[^]*${pid} sleep`));
      const ports = JSON.parse(must("ports", "--json"));
      const expected = { protocol: "tcp", hostPort: 8072, container: "mill", containerAddress: address };
      for (const hostAddress of ["0.0.0.0", "::"])
        assert.deepEqual(
          ports.find((one: { hostAddress: string }) => one.hostAddress === hostAddress),
          { ...expected, hostAddress, containerPort: 80, by: "docker", listening: false },
        );
      assert.match(
        must("ns", "ls"),
        RegExp(`container:mill +\\d+ +${pid} sleep +eth0 +${address}/16 +${veth.ifname}$`, "m"),
      );
      docker.call("rm", "--force", "mill");
    });

    it("has its files and its hostname with exec --all", () => {
      const hostname = docker.call("exec", "shop", "cat", "/etc/hostname");
      assert.equal(must("exec", "container:shop", "--all", "--", "cat", "/etc/hostname"), hostname);
    });

    it("is shown by inspect, although no plugin of CNI made its network", () => {
      const [pid, address] = docker
        .call("inspect", "--format", "{{.State.Pid}} {{.NetworkSettings.IPAddress}}", "shop")
        .split(" ");
      const said = must("inspect", "container:shop");
      for (const words of [address!, `${pid} sleep`]) assert.ok(said.includes(words), said);
      const shared = JSON.parse(must("ns", "same", String(process.pid), "container:shop", "--json"));
      assert.deepEqual([shared.net, shared.mnt, shared.user], [false, false, true]);
    });

    it("gets a second interface, under its own id, and loses that one alone", function () {
      needsOwnEtc(this);
      const words = ["--data-dir", world.dataDir, "--network", "lab", "--ifname", "eth1"];
      must("network", "create", "lab", "--subnet", "10.66.0.0/24", "--data-dir", world.dataDir);
      assert.equal(must("add", "container:shop", ...words), "10.66.0.2");
      const id = docker.call("inspect", "--format", "{{.Id}}", "shop");
      assert.deepEqual(world.leases(), [`${id}/eth1 10.66.0.2/24`]);
      assert.match(docker.call("exec", "shop", "ip", "-4", "address"), /inet 10\.66\.0\.2\/24 [^\n]*eth1/);
      must("del", "container:shop", "--data-dir", world.dataDir);
      assert.match(docker.call("exec", "shop", "ip", "-4", "address"), /eth0/);
      nothingLeft(world);
      must("network", "rm", "lab", "--data-dir", world.dataDir);
    });

    it("loses an interface also after it was stopped and removed", function () {
      needsOwnEtc(this);
      must("network", "create", "lab", "--subnet", "10.66.0.0/24", "--data-dir", world.dataDir);
      docker.call("run", "--detach", "--name", "brief", docker.image);
      must("add", "container:brief", "--network", "lab", "--ifname", "eth1", "--data-dir", world.dataDir);
      docker.call("stop", "--time", "0", "brief");
      must("del", "container:brief", "--data-dir", world.dataDir);
      nothingLeft(world);
      docker.call("rm", "brief");
      must("network", "rm", "lab", "--data-dir", world.dataDir);
    });

    it("is stopped", () => {
      assert.match(refused("closed"), /The container closed of docker is stopped.*\n.*docker start closed/);
    });

    it("must be said with its runtime if two runtimes have the name", async function () {
      needsClient(this, "podman");
      const podman = await freshPodman(world.host, folder("podman"));
      try {
        podman.call("run", "--detach", "--name", "shop", "--network", "none", podman.image);
        assert.equal(
          refused("shop"),
          "ns-net: 2 containers are meant by shop: shop of docker, shop of podman\n  Say which one: container:docker/shop or container:podman/shop\n",
        );
        const pid = podman.call("inspect", "--format", "{{.State.Pid}}", "shop");
        assert.equal(entered("podman/shop"), namespaceOf(pid));
      } finally {
        podman[Symbol.dispose]();
      }
    });
  });
});
