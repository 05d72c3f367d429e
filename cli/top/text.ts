/** The tables of `ns-net top`. */
import { type Column, table } from "../output/table.ts";
import type { Row } from "./row.ts";

const names: readonly Column<Row>[] = [
  { title: "CONTAINER", cell: ({ container }) => container, yields: 1, widthMin: 16 },
  { title: "INTERFACE", cell: (row) => row.interface },
];

const drops: Column<Row> = {
  title: "DROPS",
  isNumber: true,
  cell: ({ now }) => String(now.dropped),
  style: ({ now }) => (now.dropped > 0 ? "bad" : undefined),
};

/** Since each interface was made. */
const totals: readonly Column<Row>[] = [
  ...names,
  { title: "RECEIVED", isNumber: true, cell: ({ now }) => sizeText(now.receivedBytes) },
  { title: "SENT", isNumber: true, cell: ({ now }) => sizeText(now.sentBytes) },
  { title: "PACKETS IN", isNumber: true, cell: ({ now }) => String(now.receivedPackets) },
  { title: "OUT", isNumber: true, cell: ({ now }) => String(now.sentPackets) },
  drops,
];

const rates: readonly Column<Row>[] = [
  ...names,
  { title: "IN/s", isNumber: true, cell: (row) => (row.rates ? sizeText(row.rates.receivedBytes) : "") },
  { title: "OUT/s", isNumber: true, cell: (row) => (row.rates ? sizeText(row.rates.sentBytes) : "") },
  { title: "PACKETS/s IN", isNumber: true, cell: (row) => (row.rates ? countText(row.rates.receivedPackets) : "") },
  { title: "OUT", isNumber: true, cell: (row) => (row.rates ? countText(row.rates.sentPackets) : "") },
  drops,
];

export const totalsTable = (rows: readonly Row[]): string => table(totals, rows);
export const ratesTable = (rows: readonly Row[], width: number): string => table(rates, rows, { width });

const countText = (count: number) => String(Math.round(count));

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `950 B`, `1.2 MB`: by powers of ten, as links are rated. */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
