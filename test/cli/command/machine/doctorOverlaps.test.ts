/**
 * `ns-net doctor` and `ns-net add`: the subnet that was chosen for the network without a configuration, and a file that has
 * the same one since. Witnesses: ip, ping.
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { needs } from "../../../support/needs.ts";
import { freshPlace, namedNetns, needsOwnEtc, type Place } from "../../place.ts";
import { conflist, type Finding, netd, range } from "./doctorScene.ts";

describe("A file with the subnet that was chosen for the network without a file", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
    needsOwnEtc(this);
  });
  beforeEach(() => {
    rmSync(netd, { recursive: true, force: true });
    mkdirSync(netd, { recursive: true });
  });
  afterEach(() => rmSync(netd, { recursive: true, force: true }));

  const path = `${netd}/10-podnet.conflist`;
  const plugin = { type: "ns-net", bridge: "pods0", isDefaultGateway: true, ipam: range("10.88.0.0/16") };
  const install = () => writeFileSync(path, conflist("podnet", plugin));
  const overlaps = (place: Place): Finding[] =>
    JSON.parse(place.cli("doctor", "--json").out).checks.filter(({ id }: Finding) => id === "overlaps");
  const reaches = (place: Place, address: string) =>
    Bun.spawnSync(place.host.inside(["ping", "-c1", "-W1", address])).exitCode === 0;

  it("nothing is attached and an idle bridge is left: the printed command removes it, and the host reaches the pods", () => {
    using place = freshPlace();
    const [web, pod] = [place.name(), place.name("pod")];
    assert.equal(place.must("add", web), "10.88.0.2\n");
    place.must("del", web);
    install();
    const address = place.must("add", pod, "--network", "podnet").trim();
    assert.equal(reaches(place, address), false); // the first of two equal routes leads to the idle bridge
    const [found] = overlaps(place);
    assert.deepEqual([found!.status, found!.cure], ["warn", `ns-net gc --data-dir ${place.dataDir}`]);
    place.must("gc");
    assert.equal(reaches(place, address), true);
    assert.deepEqual(
      overlaps(place).map(({ status }) => status),
      ["ok"],
    );
  });

  it("nothing is attached: add chooses another subnet, also while the idle bridge is left", () => {
    using place = freshPlace();
    const web = place.name();
    place.must("add", web);
    place.must("del", web);
    install();
    place.must("add", place.name("pod"), "--network", "podnet");
    assert.equal(place.must("add", web), "10.89.0.2\n");
    const routes = place.host.ip("route").map(({ dst, dev }) => `${dst} ${dev}`);
    assert.deepEqual(routes, ["10.88.0.0/16 pods0", "10.89.0.0/16 nsnet0"]);
    assert.deepEqual(
      overlaps(place).map(({ status }) => status),
      ["ok"],
    );
  });

  it("something is attached: both are named, and so is the container; the subnet stays until it is detached", () => {
    using place = freshPlace();
    const [web, db] = [place.name(), place.name("db")];
    place.must("add", web);
    install();
    const [found] = overlaps(place);
    assert.match(found!.says, /the network podnet has 10\.88\.0\.0\/16, and the network ns-net has 10\.88\.0\.0\/16/);
    assert.equal(
      found!.cure,
      `Give podnet another subnet in ${path}; or: Detach all containers of ns-net (ns-net del), then add them again (${web}): another subnet is chosen`,
    );
    assert.match(place.must("add", db), /^10\.88\./);
    for (const name of [web, db]) place.must("del", name);
    assert.match(place.must("add", web), /^10\.89\./);
    assert.equal(namedNetns(web).ip("route", "show", "default")[0].gateway, "10.89.0.1");
  });
});
