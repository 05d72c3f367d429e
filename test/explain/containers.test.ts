/**
 * State on disk that the tests with real runtimes (test/clients/container.test.ts) do not have: numbers that the kernel
 * gave again, files that are half written, and CRI-O, which Debian lacks.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../../conf/fault.ts";
import { containersNamed, everyContainer, findContainer } from "../../explain/containers/find.ts";
import { needsSandbox } from "../support/sandbox.ts";

const written: string[] = [];

function write(path: string, content: string | object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  written.push(path);
}

/** A process of this test, and the ticks when it started, from the field that proc(5) numbers 22. */
function sleeper() {
  const child = Bun.spawn(["sleep", "1000"]);
  const start = Number(readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ")[19]);
  const end = async () => {
    child.kill();
    await child.exited;
  };
  return { pid: child.pid, start, end };
}

const task = "/run/containerd/io.containerd.runtime.v2.task/default";

describe("containers by their state on disk", () => {
  before(function () {
    needsSandbox(this);
  });
  afterEach(() => {
    for (const path of written.splice(0)) rmSync(dirname(path), { recursive: true, force: true });
  });

  const codeOf = (name: string) => {
    try {
      return findContainer(name).pid;
    } catch (error) {
      assert.ok(error instanceof Fault, String(error));
      return error.message;
    }
  };

  it("compare the start time that runc and crun noted", async () => {
    const { pid, start, end } = sleeper();
    write(`${task}/box/init.pid`, String(pid));
    write("/run/containerd/runc/default/box/state.json", { init_process_pid: pid, init_process_start: start });
    assert.equal(codeOf("box"), pid);
    write("/run/containerd/runc/default/box/state.json", { init_process_pid: pid, init_process_start: start - 1 });
    assert.match(String(codeOf("box")), /The container box of containerd is stopped/);
    rmSync("/run/containerd/runc/default/box/state.json");
    write("/run/containerd/runc/default/box/status", { pid, "process-start-time": start - 1 });
    assert.match(String(codeOf("box")), /is stopped/);
    await end();
    assert.match(String(codeOf("box")), /is stopped/);
  });

  it("compare the time when the number was written if there is nothing better", async () => {
    const { pid, end } = sleeper();
    write(`${task}/box/init.pid`, String(pid));
    assert.equal(codeOf("box"), pid);
    const hourAgo = Date.now() / 1000 - 3600;
    utimesSync(`${task}/box/init.pid`, hourAgo, hourAgo);
    assert.match(String(codeOf("box")), /is stopped/);
    await end();
  });

  it("read docker's state with its time of start, and leave out half a file", async () => {
    const { pid, end } = sleeper();
    const id = "ab".repeat(32);
    const place = `/var/lib/docker/containers/${id}/config.v2.json`;
    const state = (StartedAt: string) => ({ ID: id, Name: "/shop", State: { Running: true, Pid: pid, StartedAt } });
    write(place, state(new Date().toISOString()));
    assert.equal(codeOf("shop"), pid);
    assert.equal(codeOf("abab"), pid);
    write(place, state("2020-01-01T00:00:00Z"));
    assert.match(String(codeOf("shop")), /The container shop of docker is stopped/);
    write(place, '{"ID":"abab","Na');
    assert.match(String(codeOf("shop")), /There is no container shop/);
    await end();
  });

  it("have the names that Kubernetes gave them, also with CRI-O", async () => {
    const { pid, end } = sleeper();
    const [sandbox, container] = ["1a".repeat(32), "2b".repeat(32)];
    const rows = [
      { id: sandbox, names: ["k8s_POD_web_shop_uid_0"] },
      { id: container, names: ["k8s_nginx_web_shop_uid_0"] },
    ];
    write("/var/lib/containers/storage/overlay-containers/containers.json", rows);
    for (const [id, kind] of [
      [sandbox, "sandbox"],
      [container, "container"],
    ]) {
      const userdata = `/run/containers/storage/overlay-containers/${id}/userdata`;
      const annotations = {
        "io.container.manager": "cri-o",
        "io.kubernetes.cri-o.ContainerType": kind,
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.container.name": kind === "sandbox" ? "POD" : "nginx",
      };
      write(`${userdata}/config.json`, { annotations });
      write(`${userdata}/pidfile`, `${pid}\n`);
    }
    const ids = (name: string) => containersNamed(name).map(({ id }) => id);
    for (const name of ["web", "shop/web", "k8s_POD_web_shop_uid_0", "cri-o/web"])
      assert.deepEqual(ids(name), [sandbox]);
    for (const name of ["web/nginx", "shop/web/nginx"]) assert.deepEqual(ids(name), [container]);
    assert.equal(codeOf("web"), pid);
    assert.deepEqual(new Set(everyContainer().map(({ runtime }) => runtime)), new Set(["cri-o"]));
    await end();
  });
});
