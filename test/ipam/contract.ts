/** The contract of every kind of IPAM. A kind's test file is one call of `ipamCases`. */

import assert from "node:assert/strict";
import type { IpamConfig } from "../../conf/config/config.ts";
import { code, Fault } from "../../conf/fault.ts";
import { ipamFor, ipamForRelease } from "../../ipam/index.ts";
import type { Lease } from "../../ipam/ipam.ts";
import { callOf } from "../support/call.ts";
import { onlySet } from "../support/onlySet.ts";
import { skip } from "../support/skip.ts";
import {
  attachmentOf,
  type Call,
  deleteOf,
  entryOf,
  freshFolder,
  freshStore,
  requestOf,
  statusOf,
} from "./storeWorld.ts";

interface Case {
  /** Why it cannot run here. The tests are then skipped with this reason. */
  readonly lacking?: string;
  /** False for kinds that give the configured addresses to any attachment. */
  readonly isExclusive: boolean;
  /** False for a plugin without the verb. */
  readonly knowsStatus?: boolean;
  /** `folder` is empty, and removed with the test. */
  call(folder: string): Call;
}

/** A test's calls, with one store and one configuration. */
function world(call: (folder: string) => Call) {
  const { store, ...rest } = freshStore();
  const folder = freshFolder();
  const given = call(folder.path);
  const ipam = ipamFor(given.ipam.type);
  const config: IpamConfig = given.ipam;
  const ipamType = deleteOf(attachmentOf("a"), given).ipamType;
  return {
    store,
    acquire: async (container: string, mayTakeOver = () => {}): Promise<Lease> => {
      const attachment = attachmentOf(container);
      const [request, entry] = [requestOf(attachment, given), entryOf(attachment, { ipamType })];
      return ipam.acquire({ call: callOf(), request, config, entry, store, hostNetworks: () => [], mayTakeOver });
    },
    release: async (container: string) => {
      const request = deleteOf(attachmentOf(container), given);
      await ipamForRelease(request, store.find(request.attachment)).release(request, store, callOf());
    },
    check: async (container: string, lease: Lease) => {
      const expected = lease.addresses.map(({ address }) => address);
      await ipam.check(requestOf(attachmentOf(container), given), config, store, expected, callOf());
    },
    status: async () => ipam.status(statusOf("podnet", given), config, store, () => [], callOf()),
    [Symbol.dispose]: () => {
      rest[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

export function ipamCases(name: string, { lacking, isExclusive, knowsStatus = true, call }: Case): void {
  describe(`${name} as Ipam`, () => {
    before(function () {
      if (lacking !== undefined) skip(this, lacking);
    });

    it("answers ADD with a lease and writes the entry first", async () => {
      using w = world(call);
      const lease = await w.acquire("web");
      assert.equal(lease.made, true);
      const entry = w.store.find(attachmentOf("web"));
      assert.equal(entry?.state, "adding");
      assert.deepEqual(entry?.addresses, lease.addresses);
    });

    it("answers a repeated ADD with the same lease and made: false", async () => {
      using w = world(call);
      const { before, ...first } = await w.acquire("web");
      assert.equal(before, undefined);
      for (const state of ["adding", "attached"]) {
        const { before: found, ...again } = await w.acquire("web");
        assert.deepEqual(onlySet(again), onlySet({ ...first, made: false }));
        assert.equal(found?.state, state);
        w.store.attached(attachmentOf("web"), { mac: "02:00:00:00:00:01" });
      }
      await w.acquire("web");
      assert.equal(w.store.find(attachmentOf("web"))?.state, "adding", "it is this call's from now on");
    });

    it("changes nothing if the attachment must not be taken over", async () => {
      using w = world(call);
      const { addresses } = await w.acquire("web");
      w.store.attached(attachmentOf("web"), { mac: "02:00:00:00:00:01" });
      const refuse = () => {
        throw new Fault(code.environment, "it lives", "Delete it first");
      };
      await assert.rejects(async () => w.acquire("web", refuse), /it lives/);
      const { state, addresses: kept } = w.store.find(attachmentOf("web"))!;
      assert.deepEqual([state, kept], ["attached", addresses]);
    });

    const itIfExclusive = isExclusive ? it : () => {};
    itIfExclusive("never hands one address to two owners", async () => {
      using w = world(call);
      const all = [];
      for (const container of ["a", "b", "c", "d"]) all.push(...(await w.acquire(container)).addresses);
      assert.equal(new Set(all.map(({ address }) => address)).size, all.length);
    });

    it("releases twice without an error, and also what was never given", async () => {
      using w = world(call);
      await w.acquire("web");
      await w.release("web");
      assert.equal(w.store.find(attachmentOf("web")), undefined);
      await w.release("web");
      await w.release("never");
    });

    it("gives a lease again after a release", async () => {
      using w = world(call);
      await w.acquire("web");
      await w.release("web");
      assert.equal((await w.acquire("web")).made, true);
    });

    it("passes CHECK after ADD, and not after DEL", async () => {
      using w = world(call);
      const lease = await w.acquire("web");
      await w.check("web", lease);
      await w.release("web");
      await assert.rejects(async () => w.check("web", lease), Fault);
    });

    const itIfAsked = knowsStatus ? it : () => {};
    itIfAsked("can serve an ADD, and says so", async () => {
      using w = world(call);
      await w.status();
    });
  });
}
