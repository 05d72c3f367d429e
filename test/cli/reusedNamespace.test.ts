/**
 * The kernel gives a namespace's inode again as soon as it is free. An attachment to the earlier namespace is no
 * attachment to the later one. These tests write the later inode into the row, which has the same effect.
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

/** A name whose namespace was deleted and created again, with the inode of the first. */
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

describe("A namespace that got an earlier one's inode", () => {
  before(function () {
    needs(this, "ns-net", "macvlan");
  });

  it("is not shown by ls and inspect for the earlier one, whose attachment gc removes", () => {
    const { place, name } = reused();
    using _ = place;
    assert.equal(JSON.parse(place.must("ls", "--json"))[0].state, "gone");
    const { code, err } = place.cli("inspect", name);
    assert.equal(code, 1);
    assert.match(err, RegExp(`is gone: /run/netns/${name} is another one by now`));
    assert.match(place.must("gc"), RegExp(`removed the attachment eth0 of ${name} on lan`));
  });

  it("is not the earlier one, either, if only a process in it can be seen", async () => {
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

  it("is shown with its cookie", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const { cookie } = JSON.parse(place.must("inspect", name, "--json")).namespace;
    const written = run(["sqlite3", join(place.dataDir, "ns-net.sqlite"), "SELECT netns_cookie FROM attachment"]);
    assert.deepEqual([/^[1-9]\d*$/.test(cookie), `${cookie}\n`], [true, written]);
  });
});
