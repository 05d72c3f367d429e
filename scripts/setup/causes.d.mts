export function causesFirst<Thing>(things: readonly Thing[], fileOf: (thing: Thing) => string): Thing[];
