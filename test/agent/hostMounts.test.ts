/** An agent that starts in a mount namespace of its own, as in a container, and enters that of process 1. */
import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { type InstalledPlace, installedPlace } from "./installed.ts";

describe("ns-net agent --host-mounts", function () {
  this.timeout(60_000);
  let machine: InstalledPlace;

  beforeEach(function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "curl");
    machine = installedPlace();
  });
  afterEach(() => machine?.[Symbol.dispose]());

  /**
   * Runs a script as process 1 of a PID namespace, so that no process of this machine is meant. The agent starts in a
   * further mount namespace, where its executable has a name that process 1 does not see.
   */
  function withAgent(option: string, script: string): string {
    const { socket, statusSocket, place, binDir } = machine;
    const inside = `mount -t tmpfs t /mnt && touch /mnt/ns-net && mount --bind ${nsNet} /mnt/ns-net && exec /mnt/ns-net`;
    const words = `agent ${option} --socket ${socket} --status-socket ${statusSocket} --data-dir ${place.dataDir}`;
    const whole = [
      `unshare --mount sh -c '${inside} ${words}' 2>${machine.log} & AGENT=$!`,
      `until curl -s --unix-socket ${statusSocket} http://agent/healthz; do kill -0 $AGENT || exit 1; done >/dev/null`,
      script,
      "kill $AGENT; wait $AGENT",
    ].join("\n");
    const environment = { NSNET_AGENT: socket, CNI_PATH: binDir, BIN: binDir, DATA: place.dataDir };
    const pairs = Object.entries(environment).map((pair) => pair.join("="));
    const apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"];
    return place.host.run("env", ...pairs, ...apart, "sh", "-c", whole);
  }

  const attach = `ip netns add inner
    echo '{"cniVersion":"1.0.0","name":"n","type":"ns-net","dataDir":"'$DATA'","ipam":{"type":"ns-net","subnet":"10.9.0.0/24"}}' |
      CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=/run/netns/inner CNI_IFNAME=eth0 $BIN/ns-net >/dev/null || exit 1
    ip netns del inner
    curl -s --unix-socket ${"$"}(dirname $NSNET_AGENT)/status.sock http://agent/status; echo`;

  it("serves the calls of the host's mount namespace, with an executable that only its container has", () => {
    const said = withAgent(
      "--host-mounts",
      `readlink /proc/1/ns/mnt /proc/$AGENT/ns/mnt; [ ! -e /mnt/ns-net ] || exit 1; ${attach}`,
    );
    const [host, own, report] = said.trim().split("\n");
    assert.equal(host, own);
    const { calls, failed, declined } = JSON.parse(report!);
    assert.deepEqual([calls, failed, declined], [1, 0, {}]);
  });

  it("is needed for that: without it the calls are declined, and succeed by the executable", () => {
    const said = withAgent("", attach);
    const { calls, declined } = JSON.parse(said.trim());
    assert.deepEqual([calls, declined], [0, { mounts: 1 }]);
  });
});
