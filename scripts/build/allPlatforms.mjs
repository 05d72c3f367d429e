/** `npm run build:all`: dist/PLATFORM/ns-net for x64 and arm64, glibc and musl. */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildPlatforms, platforms } from "./platforms.mjs";

const dist = join(import.meta.dirname, "../../dist");
mkdirSync(dist, { recursive: true });
const beside = mkdtempSync(join(dist, "platforms-"));
try {
  await buildPlatforms(Object.keys(platforms), beside, (platform) => {
    mkdirSync(join(dist, platform), { recursive: true });
    renameSync(join(beside, platform, "ns-net"), join(dist, platform, "ns-net"));
    console.log(`dist/${platform}/ns-net`);
  });
} finally {
  rmSync(beside, { recursive: true, force: true });
}
