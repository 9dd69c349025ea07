/** The door of build/lockfile/app: the app's own lockfile as a bun.lock, and what its installed packages add to it. */
export { readAppLock, readInstalledExternals, type AppLock } from "./app-lockfile.ts";
