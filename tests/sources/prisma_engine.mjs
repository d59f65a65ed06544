// Prisma's own schema engine, as its npm package carries it, on a directory and a database.
// node prisma_engine.mjs PACKAGES URL COMMAND DIRECTORY; answers with one line of JSON.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [packages, url, command, directory] = process.argv.slice(2)
const require = createRequire(path.join(packages, 'package.json'))
const home = path.join(packages, 'node_modules', '@prisma', 'schema-engine-wasm')

const glue = await import(pathToFileURL(path.join(home, 'schema_engine_bg.js')))
const wasm = fs.readFileSync(path.join(home, 'schema_engine_bg.wasm'))
const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': glue })
glue.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start()

const { PrismaPg } = require('@prisma/adapter-pg')
const { bindSqlAdapterFactory } = require('@prisma/driver-adapter-utils')
const lockfile = path.join(directory, 'migration_lock.toml')
const migrationsList = {
  baseDir: directory,
  lockfile: { path: 'migration_lock.toml', content: fs.existsSync(lockfile) ? fs.readFileSync(lockfile, 'utf8') : null },
  shadowDbInitScript: '',
  migrationDirectories: fs
    .readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: fs.readFileSync(path.join(directory, name, 'migration.sql'), 'utf8') },
      },
    })),
}
const filters = { externalTables: [], externalEnums: [] }
const datamodels = [['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n']]

const engine = await glue.SchemaEngine.new({ datamodels }, () => {}, bindSqlAdapterFactory(new PrismaPg({ connectionString: url })))
const commands = {
  deploy: () => engine.applyMigrations({ migrationsList, filters }),
  status: () => engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters }),
}
try {
  console.log(JSON.stringify(await commands[command]()))
} catch (error) {
  console.log(JSON.stringify({ error: String(error?.message ?? error) }))
}
process.exit(0)
