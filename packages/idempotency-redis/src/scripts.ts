import { createHash } from 'node:crypto';

/** A Lua script, known to the server by its hash. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

// A key holds 'c', the end of its lease in the server's milliseconds, ':' and the token; or, once it is done, 'd', the
// token, ':' and '0' for no result or '1' and the result. A claim stays for a while after its lease: its owner may still
// complete it, as long as nobody else has taken it.
const common = `
local function now() local t = redis.call('TIME'); return t[1] * 1000 + math.floor(t[2] / 1000) end
local function held(key)
  local value = redis.call('GET', key)
  if not value then return nil end
  if string.sub(value, 1, 1) == 'c' then
    local till, token = string.match(value, '^c(%d+):(.*)$')
    return 'c', token, tonumber(till)
  end
  local colon = string.find(value, ':', 1, true)
  return 'd', string.sub(value, 2, colon - 1), string.sub(value, colon + 1)
end
local function hold(key, token, till, late) redis.call('SET', key, 'c' .. string.format('%d', till) .. ':' .. token, 'PX', late) end
`;

/** ARGV: lease, lease and grace, a token for each key. Of each: 'c' ours, 'b' and how long it is taken, 'd' and the result. */
export const claim: Script = script(`${common}
local at, answer = now(), {}
for i, key in ipairs(KEYS) do
  local token = ARGV[i + 2]
  local state, owner, rest = held(key)
  if state == 'd' then answer[i] = 'd' .. rest
  elseif state == 'c' and rest > at and owner ~= token then answer[i] = 'b' .. string.format('%d', rest - at)
  else hold(key, token, at + tonumber(ARGV[1]), ARGV[2]); answer[i] = 'c' end
end
return answer
`);

/** ARGV: lease, lease and grace, the token of each key. Of each: '1' or '0'. */
export const extend: Script = script(`${common}
local at, answer = now(), {}
for i, key in ipairs(KEYS) do
  local state, owner = held(key)
  local own = state == 'c' and owner == ARGV[i + 2]
  if own then hold(key, owner, at + tonumber(ARGV[1]), ARGV[2]) end
  answer[i] = own and '1' or '0'
end
return answer
`);

/** ARGV: retention, then of each key the token and '0', or '1' and the result. Of each: '1' or '0'. */
export const complete: Script = script(`${common}
local answer = {}
for i, key in ipairs(KEYS) do
  local token = ARGV[2 * i]
  local state, owner = held(key)
  if state == 'c' and owner == token then
    redis.call('SET', key, 'd' .. token .. ':' .. ARGV[2 * i + 1], 'PX', ARGV[1])
  end
  answer[i] = owner == token and '1' or '0'
end
return answer
`);

/** ARGV: the token of each key. */
export const release: Script = script(`${common}
for i, key in ipairs(KEYS) do
  local state, owner = held(key)
  if state == 'c' and owner == ARGV[i] then redis.call('DEL', key) end
end
return {}
`);
