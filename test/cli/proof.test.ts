/**
 * The namespaces that `del` deletes: those that `add` created, whatever a container writes into its own. Witness: `ip
 * netns`.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { netnsNames, run } from "../support/sandbox.ts";
import { freshPlace, namedNetns } from "./place.ts";

const proofs = "/run/ns-net/made";
const isThere = (name: string) => netnsNames().includes(name);

describe("The proof of a namespace that add created", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("is not the alias of a container's loopback interface", () => {
    using place = freshPlace();
    const name = place.name();
    run(["ip", "netns", "add", name]);
    namedNetns(name).ip("link", "set", "lo", "alias", `made by ns-net as ${name}`);
    place.must("add", name);
    place.must("del", name);
    assert.equal(isThere(name), true);
  });

  it("is readable by root alone, and removed with the namespace", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    assert.equal(statSync(proofs).mode & 0o777, 0o700);
    assert.ok(readdirSync(proofs).includes(name));
    place.must("del", name);
    assert.deepEqual([isThere(name), readdirSync(proofs).filter((file) => file.includes(name))], [false, []]);
  });

  it("is removed with the namespace of an add that fails", () => {
    using place = freshPlace();
    const name = place.name();
    assert.equal(place.cli("add", name, "--ip", "192.0.2.1").code, 1);
    assert.deepEqual([isThere(name), readdirSync(proofs).filter((file) => file.includes(name))], [false, []]);
  });

  it("is no proof for another namespace with the same name", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    run(["ip", "netns", "del", name]);
    run(["ip", "netns", "add", name]);
    place.must("del", name);
    assert.equal(isThere(name), true);
  });

  it("is no proof for another namespace with the same inode", () => {
    using place = freshPlace();
    const name = place.name();
    run(["ip", "netns", "add", name]);
    const { dev, ino } = statSync(`/run/netns/${name}`);
    mkdirSync(proofs, { recursive: true, mode: 0o700 });
    writeFileSync(join(proofs, name), `${dev} ${ino} 1\n`);
    place.must("add", name);
    place.must("del", name);
    assert.equal(isThere(name), true);
  });
});
