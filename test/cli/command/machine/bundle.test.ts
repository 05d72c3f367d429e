/** `ns-net doctor --bundle`: what is in the archive, by tar(1), and that no planted secret is. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { needs } from "../../../support/needs.ts";
import { run } from "../../../support/sandbox.ts";
import { needsOwnEtc } from "../../place.ts";
import { openWard } from "./doctorScene.ts";

const secret = "hunter2-4711";

describe("ns-net doctor --bundle", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "nft", "ip");
    needsOwnEtc(this);
  });

  it("has what a report needs, and no secret of configurations, environments, arguments and files", () => {
    using ward = openWard({ network: { log: "/run/calls.log", token: secret } });
    const { place } = ward;
    const list = {
      ...{ cniVersion: "1.0.0", name: "x", apiKey: secret },
      plugins: [
        { type: "ns-net", bridge: "x0", log: `${place.folder}/private`, args: { cni: { password: secret } } },
        { type: "calico", kubernetes: { kubeconfig: secret }, etcd_key: [secret], mtu: { secret } },
      ],
    };
    ward.shell(`printf '%s' '${JSON.stringify(list)}' >$NETD/10-x.conflist
      printf '%s' '{ "name": "y", "password": "${secret}" ' >$NETD/20-y.conflist
      printf '%s\\n' '${secret}' >private
      ns-net add more-$A --network lab0.json --data-dir $PWD/data >out
      echo '${JSON.stringify({ ...{ cniVersion: "1.1.0", name: "lab", type: "ns-net" }, log: "/run/calls.log" })}' |
        CNI_COMMAND=STATUS CNI_PATH=/opt/cni/bin ns-net
      SECRET=${secret} sh -c 'sleep 1000 >out 2>&1 & echo $! >pid' ${secret}`);
    const file = `${place.folder}/report.tar.gz`;
    try {
      const env = { ...process.env, PASSWORD: secret };
      const words = place.command("doctor", "--json", "--bundle", file);
      const said = Bun.spawnSync(place.host.inside(words), { env });
      assert.equal(said.exitCode, 1, "a file is broken");
      assert.equal(said.stderr.toString(), `ns-net: wrote ${file}\n`);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const names = run(["tar", "-tzf", file]).trim().split("\n");
      const read = (name: string) => run(["tar", "-xzOf", file, `report/${name}`]);
      for (const name of names) assert.ok(!read(name.replace("report/", "")).includes(secret), name);
      assert.deepEqual(JSON.parse(read("doctor.json")), JSON.parse(said.stdout.toString()));
      assert.match(read("links.txt"), /^\$ ip -d -s link\n[\s\S]* lab0: /);
      assert.match(read("nftables.txt"), /table inet ns_net/);
      assert.match(read("sysctls.txt"), /^net\.ipv4\.ip_forward = 1$/m);
      assert.match(read("entries.json"), new RegExp(`"container": "${ward.variables["A"]}"`));
      assert.match(read("version.txt"), /^ns-net \d/);
      const x = JSON.parse(read("net.d/10-x.conflist"));
      assert.deepEqual([x.name, x.apiKey, x.plugins[1].kubernetes], ["x", "(left out)", "(left out)"]);
      assert.equal(x.plugins[0].bridge, "x0");
      assert.match(read("net.d/20-y.conflist"), /^left out whole: /);
      assert.equal(JSON.parse(read("networks/lab.json")).token, "(left out)");
      const log = names.find((name) => name.endsWith("calls.log"));
      assert.ok(log, names.join());
      assert.match(read(log.replace("report/", "")), /"verb":"STATUS"/);
    } finally {
      process.kill(Number(readFileSync(`${place.folder}/pid`, "utf8")));
    }
  });

  it("never replaces a file, and says why it cannot write one", () => {
    using ward = openWard();
    const { place } = ward;
    const file = place.file("taken", "mine");
    const taken = place.cli("doctor", "--bundle", file);
    assert.equal(taken.code, 1);
    assert.match(
      taken.err,
      /^ns-net: Cannot write \S+taken: there is such a file\n {2}Name another file, or delete it first\n$/,
    );
    assert.equal(readFileSync(file, "utf8"), "mine");
    mkdirSync(`${place.folder}/folder`);
    assert.match(place.cli("doctor", "--bundle", `${place.folder}/none/x.tar.gz`).err, /^ns-net: Cannot write .*none/);
  });
});
