/** Whether a plugin that comes later in the chain needs the container's link without filters. */
import { fileStatus, statusIfThere } from "../../../sys/files.ts";

/**
 * True if the reference's bandwidth is installed: it refuses a link that has filters, and no plugin learns which ones come
 * after it. `pluginPath`: folders of CNI_PATH, of which a runtime uses the first that has the plugin.
 */
export function mayNeedFilters(pluginPath: readonly string[]): boolean {
  const own = fileStatus("/proc/self/exe");
  for (const folder of pluginPath) {
    const found = folder === "" ? undefined : statusIfThere(`${folder}/bandwidth`);
    if (found) return found.inode !== own.inode || found.device !== own.device;
  }
  return false;
}
