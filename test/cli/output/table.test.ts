/** Tables at several widths. */
import assert from "node:assert/strict";
import { type Column, table } from "../../../cli/output/table.ts";

interface Row {
  readonly name: string;
  readonly ports: readonly string[];
  readonly mac: string;
  readonly age: string;
}

const columns: readonly Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "PORTS", cell: ({ ports }) => ports, yields: 1, widthMin: 8 },
  { title: "MAC", cell: ({ mac }) => mac, yields: 2 },
  { title: "AGE", cell: ({ age }) => age, isNumber: true },
  { title: "MORE", cell: () => "x", isExtra: true },
];

const row = { name: "web", ports: ["8080/tcp", "53/udp", "9000/tcp"], mac: "c2:00:00:00:00:01", age: "3m" };

describe("a table", () => {
  it("has each column as wide as its widest value, if there is room", () => {
    assert.equal(
      table(columns, [row, { ...row, name: "a", ports: [], age: "12h" }], { width: 80 }),
      [
        "NAME  PORTS                     MAC                AGE",
        "web   8080/tcp,53/udp,9000/tcp  c2:00:00:00:00:01   3m",
        "a     -                         c2:00:00:00:00:01  12h",
        "",
      ].join("\n"),
    );
  });

  it("shortens or leaves out the column that yields first, then the next one", () => {
    const more: readonly Column<Row>[] = [
      ...columns,
      { title: "NET", yields: 3, widthMin: 4, cell: () => "a-network" },
    ];
    const line = (width: number) => table(more, [row], { width }).split("\n")[1];
    assert.equal(line(65), "web   8080/tcp,53/udp,9000/tcp  c2:00:00:00:00:01   3m  a-network");
    assert.equal(line(62), "web   8080/tcp,53/udp,9000/tcp  c2:00:00:00:00:01   3m  a-net…");
    assert.equal(line(59), "web   8080/tcp,53/udp,9000/tcp   3m  a-network");
    assert.equal(line(44), "web   8080/tcp,53/udp,9000/tcp   3m  a-netw…");
    assert.equal(line(40), "web   8080/tcp,53/udp,+1        3m  a-n…");
    assert.equal(line(25), "web   8080/tc…   3m  a-n…");
    assert.equal(line(24), "web   8080/tcp,+2     3m");
    assert.equal(line(20), "web   8080/tcp…   3m");
    assert.equal(line(12), "web    3m");
  });

  it("never shortens what must be whole, even if the lines become too long", () => {
    const long = { ...row, name: "n".repeat(30) };
    assert.ok(table(columns, [long], { width: 20 }).includes(`${long.name}  `));
  });

  it("fits every width that has room for the columns that never yield", () => {
    for (let width = 10; width < 80; width++) {
      for (const line of table(columns, [row], { width }).split("\n"))
        assert.ok(line.length <= width, `${width}: ${line}`);
    }
  });

  it("in a pipe, and if it is wide, has whole values", () => {
    assert.match(table(columns, [row], { width: Number.POSITIVE_INFINITY }), /9000\/tcp +c2:/);
    assert.match(table(columns, [row], { width: 20, isWide: true }), /9000\/tcp +c2:00:00:00:00:01.*x\n/);
  });

  it("counts the width of a character as the terminal does, and shows no control characters", () => {
    const [, first, second] = table(columns, [
      { ...row, name: "箱" },
      { ...row, name: "a\x1b[31mb" },
    ]).split("\n");
    assert.equal(Bun.stringWidth(first!), Bun.stringWidth(second!));
    assert.match(second!, /^a\?\[31mb /);
  });
});
