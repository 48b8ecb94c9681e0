import { type FSWatcher, realpathSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Tells of changes in the directories of files: where the paths point and where the files really lie. Watching directories sees what
 * watching files misses: a file that is replaced, and the exchange of the symbolic link `..data` through which Kubernetes updates a mounted
 * ConfigMap.
 */
export class DirectoryWatch {
  readonly #changed: () => void
  readonly #watchers = new Map<string, FSWatcher>()

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Watches the directories of `files` from now on, and no others. What can't be watched is left out. */
  follow(files: readonly string[]): void {
    const wanted = new Set(files.flatMap(directoriesOf))
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue
      watcher.close()
      this.#watchers.delete(directory)
    }
    for (const directory of wanted) if (!this.#watchers.has(directory)) this.#open(directory)
  }

  close(): void {
    this.follow([])
  }

  #open(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, this.#changed)
      this.#watchers.set(directory, watcher)
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(directory)
      })
    } catch {
      // The directory is gone or the system has no watch left: the interval finds the change.
    }
  }
}

function directoriesOf(file: string): string[] {
  try {
    return [dirname(file), dirname(realpathSync(file))]
  } catch {
    return [dirname(file)]
  }
}
