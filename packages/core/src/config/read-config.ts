import { AnymqError } from '../errors.ts';
import { invalidOption } from '../options.ts';
import { fillEnvironment } from './fill-environment.ts';

/** The parsed file, filled from the environment. @throws INVALID_OPTION */
export async function readConfigFile(path: string): Promise<unknown> {
  const content = await readText(path);
  return fillEnvironment(parse(content.replace(/^\uFEFF/, '')), process.env);
}

async function readText(path: string): Promise<string> {
  try {
    return await process.getBuiltinModule('node:fs').promises.readFile(path, 'utf8');
  } catch (error) {
    // What does not look like a file's name may be a URL without its scheme, and hold a password.
    const shown =
      /\.json$/i.test(path) && !path.includes('@') ? ` '${process.getBuiltinModule('node:path').resolve(path)}'` : '';
    const message = `The configuration${shown} is neither the URL of a broker nor a file that can be read. Give a URL like redis://localhost:6379, or the path of a JSON file.`;
    throw new AnymqError('INVALID_OPTION', message, { cause: error });
  }
}

/** A parser's own message quotes the text around the mistake, which may be a password. */
function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    const place = error instanceof Error ? (/line \d+ column \d+/.exec(error.message)?.[0] ?? 'an unknown place') : '';
    throw invalidOption(`The configuration file is not valid JSON: see ${place}.`);
  }
}
