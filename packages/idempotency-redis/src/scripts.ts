import { createHash } from 'node:crypto';

/** A Lua script, known to the server by its hash. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

// A key holds 'c', the token, ':' and the end of its lease in the server's milliseconds; or, once it is done, 'd', the
// token, ':' and '0' for no result or '1' and the result. A claim stays for a while after its lease: its owner may still
// complete it, as long as nobody else has taken it. Nearly always all keys of a call are free, or ours: so the answers tell
// the others alone, and a key costs as few steps as can be, for the server does nothing else meanwhile: ends of lives are
// absolute, which Redis need not work out for its log; what is the same from key to key is made once.

/** Milliseconds since 1970, as text: Lua would round it. */
const now = `local t = redis.call('TIME')
local at = t[1] * 1000 + math.floor(t[2] / 1000)
local function ms(number) return string.format('%d', number) end
`;

/** ARGV: lease, lease and grace, token. Of each that is not ours its number, then 'b' and how long it is taken, or 'd' and the result. */
export const claim: Script = script(`${now}
local token, late, answer = ARGV[3], ms(at + ARGV[2]), {}
local mine = 'c' .. token .. ':' .. ms(at + ARGV[1])
for i, key in ipairs(KEYS) do
  if not redis.call('SET', key, mine, 'NX', 'PXAT', late) then
    local held = redis.call('GET', key)
    local colon = string.find(held, ':', 1, true)
    local rest, other = string.sub(held, colon + 1), nil
    if string.sub(held, 1, 1) == 'd' then other = 'd' .. rest
    elseif string.sub(held, 2, colon - 1) ~= token and tonumber(rest) > at then other = 'b' .. ms(rest - at)
    else redis.call('SET', key, mine, 'PXAT', late) end
    if other then answer[#answer + 1] = i; answer[#answer + 1] = other end
  end
end
return answer
`);

/** Goes over the keys whose tokens are ARGV[first], …: `ours(key, claimed, begin)` where they hold it, or else their numbers are the answer. */
const each = (first: number, ours: string): string => `
local values, answer = redis.call('MGET', unpack(KEYS)), {}
local token, begin, same, claimed, done
for i, key in ipairs(KEYS) do
  local value = values[i]
  if ARGV[i + ${first - 1}] ~= token then
    token, same, done = ARGV[i + ${first - 1}], nil, nil
    begin = token .. ':'
  end
  if value and value ~= same and string.sub(value, 2, #begin + 1) == begin then same, claimed = value, string.byte(value) == 99 end
  if value and value == same then ${ours}
  else answer[#answer + 1] = i end
end
return answer
`;

/** ARGV: lease, lease and grace, the token of each key. The numbers of those that are not ours, or done. */
export const extend: Script = script(`${now}
local till, late = ms(at + ARGV[1]), ms(at + ARGV[2])
${each(3, `if claimed then redis.call('SET', key, 'c' .. begin .. till, 'PXAT', late) else answer[#answer + 1] = i end`)}`);

/** ARGV: retention, the token of each key, and where there are results '0', or '1' and the result, of each. The numbers of those that are not ours. */
export const complete: Script = script(`${now}
local late, plain = ms(at + ARGV[1]), #ARGV == #KEYS + 1
${each(
  2,
  `if claimed then
    done = plain and done or 'd' .. begin .. (ARGV[i + 1 + #KEYS] or '0')
    redis.call('SET', key, done, 'PXAT', late)
  end`,
)}`);

/** ARGV: the token of each key. */
export const release: Script = script(each(1, `if claimed then redis.call('DEL', key) end`));
