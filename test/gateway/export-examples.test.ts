// The examples for sqlite3 in docs/operations.md, as they stand there.

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createFolder, MAIN, runCli } from '../support/cli-process.ts';

const run = promisify(execFile);

test('the examples for sqlite3 show what was stored', { timeout: 60_000 }, async () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const chapter = text.slice(text.indexOf('### sqlite3'), text.indexOf('### pandas'));
  const [recent = '', whole = ''] = [...chapter.matchAll(/```sh\n(.*?)```/gs)].map((block) => block[1]);
  using folder = createFolder();
  const data = join(folder.path, 'data');
  writeFileSync(join(folder.path, 'in.csv'), 'time,metric,unit,value\n2026-01-01,t,Cel,1.5\n2026-01-02,t,Cel,2.5\n2026-01-02,on,,true\n');
  expect((await runCli(['device', 'add', 'pump-1', '--data', data])).code).toBe(0);
  expect((await runCli(['import', join(folder.path, 'in.csv'), '--device', 'pump-1', '--data', data])).code).toBe(0);

  writeFileSync(join(folder.path, 'fieldgate'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder.path}:${process.env.PATH}` };
  const shell = async (script: string): Promise<string> =>
    (await run('sh', ['-ec', script], { cwd: folder.path, env })).stdout.replaceAll('\r', '');
  const newest = (await shell(recent)).trim().split('\n');
  expect(newest).toHaveLength(4);
  expect(newest[0]).toBe('time,metric,unit,value');
  expect(newest[1]).toMatch(/^"?2026-01-02[T ]00:00:00.*on,(""|),1$/);
  expect(await shell(whole)).toBe('on|1|0.0\nt|2|2.0\n');
});
