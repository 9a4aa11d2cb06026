// What only a configuration object or file needs; loaded for one.
export { checkConfig, routeOf } from './check-config.ts';
export { readConfigFile } from './read-config.ts';
