/** Reading Corefiles with the real loader, without starting anything. */
import { missing, order } from '../../plugins/order.ts'
import { systemFiles } from '../../src/instance/files.ts'
import { type Configuration, loadConfiguration } from '../../src/instance/load.ts'
import { ModuleLoader } from '../../src/instance/module-loader.ts'

/** Loads the text of a Corefile. Relative paths in it start from `folder`. */
export function loadText(text: string, folder: string, env: Record<string, string> = {}): Promise<Configuration> {
  return loadConfiguration(
    { file: `${folder}/Corefile`, text },
    {
      files: systemFiles,
      env,
      dnsPort: 1053,
      builtIns: { order, missing },
      loader: new ModuleLoader(),
      interfaces: () => new Map([['lo', ['127.0.0.1', '::1']]]),
    },
  )
}

/** `LINE:COLUMN CODE MESSAGE` of each diagnostic. */
export function showDiagnostics({ diagnostics }: Pick<Configuration, 'diagnostics'>): string[] {
  return diagnostics.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)
}
