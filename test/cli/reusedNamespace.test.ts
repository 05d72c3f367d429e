/**
 * The kernel gives a namespace's number again as soon as it is free. What was attached to the namespace that had it
 * before is not attached to the one that has it now. Here the row is given the new one's number, which is what happens.
 */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { cable, run } from "../support/sandbox.ts";
import { freshPlace, namedNetns, type Place } from "./place.ts";

const macvlan = {
  ...{ cniVersion: "1.1.0", name: "lan", type: "macvlan", master: "up0" },
  ipam: { type: "host-local", subnet: "10.20.0.0/30" },
};

/** A name whose namespace was deleted and made again, with the number of the first. */
function reused() {
  const place = freshPlace();
  const outside = place.name("outside");
  run(["ip", "netns", "add", outside]);
  cable({ ns: place.host, ifname: "up0" }, { ns: namedNetns(outside), ifname: "far0" });
  const [name, network] = [place.name(), place.file("lan.json", JSON.stringify(macvlan))];
  place.must("add", name, "--network", network);
  run(["ip", "netns", "del", name]);
  run(["ip", "netns", "add", name]);
  giveNumber(place, `/run/netns/${name}`);
  return { place, name, network };
}

function giveNumber(place: Place, path: string): void {
  const { ino } = statSync(path);
  run(["sqlite3", join(place.dataDir, "ns-net.sqlite"), `UPDATE attachment SET netns_inode = '${ino}'`]);
}

describe("A namespace that was given another one's number", () => {
  before(function () {
    needs(this, "ns-net", "macvlan");
  });

  it("is not the one that ls and inspect tell of, and gc removes what was attached to that", () => {
    const { place, name } = reused();
    using _ = place;
    assert.equal(JSON.parse(place.must("ls", "--json"))[0].state, "gone");
    const { code, err } = place.cli("inspect", name);
    assert.equal(code, 1);
    assert.match(err, RegExp(`is gone: /run/netns/${name} is another one by now`));
    assert.match(place.must("gc"), RegExp(`removed the attachment eth0 of ${name} on lan`));
  });

  it("is not it, either, where a process in it is all that can be seen", async () => {
    const { place, name } = reused();
    using _ = place;
    const holder = Bun.spawn(namedNetns(name).inside(["sh", "-c", "echo in; read _"]), {
      stdin: "pipe",
      stdout: "pipe",
    });
    await holder.stdout.getReader().read();
    run(["ip", "netns", "del", name]);
    const [row] = JSON.parse(place.must("ls", "--json"));
    assert.deepEqual([row.state, row.pid], ["gone", undefined]);
    holder.stdin.end();
    await holder.exited;
  });

  it("keeps no address of a full pool", () => {
    const { place, name, network } = reused();
    using _ = place;
    run(["ip", "netns", "del", name]);
    const other = place.name();
    run(["ip", "netns", "add", other]);
    giveNumber(place, `/run/netns/${other}`);
    assert.match(place.must("add", place.name(), "--network", network), /^10\.20\.0\.\d\n$/);
  });

  it("is told with what names it for good", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const { cookie } = JSON.parse(place.must("inspect", name, "--json")).namespace;
    const written = run(["sqlite3", join(place.dataDir, "ns-net.sqlite"), "SELECT netns_cookie FROM attachment"]);
    assert.deepEqual([/^[1-9]\d*$/.test(cookie), `${cookie}\n`], [true, written]);
  });
});
