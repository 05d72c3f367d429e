/** Reads messages of `ip`, `bridge` and `nft` by our codecs, also those that ns-net does not send yet. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Frame, Message } from "../../netlink/message.ts";
import { type FoundElement, listElements } from "../../netlink/nft/element.ts";
import { family, nftMessage, nftType } from "../../netlink/nft/message.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { linkPayload } from "../../netlink/route/link.ts";
import { listNeighbours, setNeighbour } from "../../netlink/route/neighbour.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { golden, goldenNames } from "../support/golden.ts";
import { captured, tree } from "./tree.ts";

/** Answers each dump with the messages of a capture. */
const answering = (capture: string, type: number) =>
  ({
    dump: (_: Message) => captured(capture).filter((message) => message.type === type) as unknown as Frame[],
  }) as NetlinkSocket;

const elementType = nftMessage("", nftType.newElement, family.inet, 0, new Uint8Array(0)).type;

const elementsIn = (capture: string) =>
  listElements(answering(capture, elementType), { family: family.inet, name: "ns-net" }, "").map(shown);

const shown = ({ key, value, comment }: FoundElement) => [
  Buffer.from(key).toString("hex"),
  value && Buffer.from(value).toString("hex"),
  comment,
];

describe("Our codecs read what other programs send:", () => {
  it("a vxlan device", () => {
    const { payload } = captured("vxlan")[0]!;
    const { name, info } = linkPayload.get(payload);
    assert.deepEqual([name, info?.kind], ["vx0", "vxlan"]);
  });

  it("the index that a veth is to have", () => {
    const { payload } = captured("veth-indexes")[0]!;
    const { name, index, info } = linkPayload.get(payload);
    assert.deepEqual([name, index, info?.kind], ["ve0", 101, "veth"]);
  });

  it("an entry of a bridge's forwarding database", () => {
    const [entry] = listNeighbours(answering("bridge-fdb", 28), 7);
    assert.deepEqual(entry, { address: "0a:00:00:00:00:05", index: 4, state: 0x42, flags: 4 });
  });

  it("a neighbour, which we also send", () => {
    const [theirs] = captured("neighbour");
    const [read] = listNeighbours(answering("neighbour", 28), addressFamily[4]);
    assert.deepEqual(read?.destination, Uint8Array.of(10, 1, 0, 9));
    const ours = setNeighbour(read.index, read.destination!, read.address!);
    assert.equal(ours.type, theirs!.type);
    assert.deepEqual(tree(ours.payload, { skip: 12 }), tree(theirs!.payload, { skip: 12 }));
  });

  it("the elements of a set of intervals: each one's first key, and the key behind its last", () => {
    assert.deepEqual(
      elementsIn("nft-set-intervals").map(([key]) => key),
      ["00000000", "0a010000", "0a020000", "0a030000", "0a030100"],
    );
  });

  it("an element that leads to a verdict, and one that is an interval of a concatenation", () => {
    assert.equal(elementsIn("nft-verdict-map")[0]![0], Buffer.from("cni0".padEnd(16, "\0")).toString("hex"));
    assert.deepEqual(elementsIn("nft-map-concatenated-intervals"), [
      ["00000000" + "06000000" + "1f900000", "0a010002" + "00500000", undefined],
    ]);
  });
});

describe("Each capture", () => {
  const tests = ["golden.test.ts", "goldenRules.test.ts", "goldenRead.test.ts"];
  const text = tests.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join();
  for (const name of goldenNames()) {
    // Each rule is read and printed in nft/print.test.ts.
    if (!golden(name).command.includes("add rule")) {
      it(`is compared: ${name}`, () => assert.ok(text.includes(`"${name}"`)));
    }
  }
});
